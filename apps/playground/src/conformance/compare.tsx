import { diffReports, diffText, type JsonReport, renameBackends } from "@bn/conformance/report";
import { useState } from "preact/hooks";
import { Drop } from "../parts/drop.tsx";
import { problemOf } from "../parts/problem.ts";
import { ProblemBox } from "../parts/problem-box.tsx";
import { Scroll } from "../parts/scroll.tsx";
import { tableReport } from "./report.ts";
import type { Reports, Source } from "./reports.ts";
import { ResultTable } from "./table.tsx";

/** Reports of other engines: one is shown beside this run's, two against each other, as `bn diff OLD NEW` prints them. */
export function Compare({ mine, reports }: { readonly mine: Source | null; readonly reports: Reports }) {
  const [pair, setPair] = useState("");
  const { loaded, problem } = reports;
  const [old, now] = loaded;
  return (
    <section class="compare">
      <h2>Compare two engines</h2>
      <p>
        Drop two JSON files that this page or <code>bn conformance --json</code> wrote: the difference is what{" "}
        <code>bn diff</code> prints. The first is the old one.
      </p>
      <Drop
        label="Drop results here"
        hint="one or two .json files, or press to choose"
        accept=".json,application/json"
        onFiles={reports.add}
      />
      <div class="buttons">
        <button type="button" disabled={mine === null} onClick={() => mine && reports.add([mine])}>
          Add this page's run
        </button>
        <button type="button" disabled={loaded.length === 0 && problem === null} onClick={reports.clear}>
          Clear
        </button>
        {old && now && (
          <button type="button" onClick={reports.swap}>
            Swap
          </button>
        )}
      </div>
      {problem && <ProblemBox problem={problem} />}
      {loaded.map(({ name, report }, i) => (
        <FileFacts
          key={`${i} ${name}`}
          title={loaded.length < 2 ? name : `${i === 0 ? "old" : "new"}: ${name}`}
          report={report}
        />
      ))}
      {old && !now && <ResultTable report={tableReport(old.report)} caption={`Cases of ${old.name}`} />}
      {old && now && (
        <>
          <label class="field">
            Backends{" "}
            <select value={pair} onChange={(event) => setPair(event.currentTarget.value)}>
              <option value="">each with itself</option>
              {pairsOf(old.report, now.report).map((one) => (
                <option key={one} value={one}>
                  {one.replace("=", " of the old against ")} of the new
                </option>
              ))}
            </select>
          </label>
          <Difference old={old.report} now={now.report} pair={pair} />
        </>
      )}
    </section>
  );
}

function Difference({ old, now, pair }: { readonly old: JsonReport; readonly now: JsonReport; readonly pair: string }) {
  let text: string;
  let shared: number;
  try {
    const diff = pair === "" ? diffReports(old, now) : diffReports(...renameBackends(old, now, pair));
    text = diffText(diff);
    shared = diff.newlyFailed.length + diff.fixed.length + diff.grown.length + diff.shrunk.length + diff.unchanged;
  } catch (error) {
    return <ProblemBox problem={problemOf(error, "These two cannot be compared")} />;
  }
  return (
    <>
      {shared === 0 && <p class="note">The two have no case of one backend in common. Choose two backends above.</p>}
      <Scroll label="Difference" class="difference">
        <pre>{text}</pre>
      </Scroll>
    </>
  );
}

const namesOf = (report: JsonReport) => [...new Set(report.results.map(({ backend }) => backend))];

function pairsOf(old: JsonReport, now: JsonReport): string[] {
  return namesOf(old).flatMap((from) => namesOf(now).map((to) => `${from}=${to}`));
}

function FileFacts({ title, report }: { readonly title: string; readonly report: JsonReport }) {
  const { run, summary } = report;
  const { passed, failed, skipped } = summary;
  return (
    <p class="file">
      <b>{title}</b>{" "}
      {run
        ? `${run.runtime}, ${run.os}, ${run.date.slice(0, 10)}, suite ${run.suite}, tier ${run.tier}`
        : "it does not say what ran it"}
      : {passed} passed, {failed} failed, {skipped} skipped
    </p>
  );
}
