import type { Result, Tier } from "@bn/conformance";
import { summarize } from "@bn/conformance/report";
import { useEffect, useRef, useState } from "preact/hooks";
import { BACKEND_NAMES, type BackendName } from "../backends.ts";
import type { PanelProps } from "../panels.ts";
import { BackendBoxes } from "../parts/controls.tsx";
import { download } from "../parts/download.ts";
import { Cancel } from "../parts/use-task.tsx";
import { hashOf } from "../route.ts";
import { BackendCard } from "./backend-card.tsx";
import { Compare } from "./compare.tsx";
import { Failures, ResultLine } from "./failures.tsx";
import { Gallery } from "./gallery.tsx";
import { jsonOf, reportOf } from "./report.ts";
import { type Source, useReports } from "./reports.ts";
import { beginRun, isRunning, isUnfinished, type Run, type RunState, startRun } from "./run.ts";
import { ResultTable } from "./table.tsx";
import type { Order } from "./worker.ts";
import "./conformance.css";

export function ConformancePanel({ params }: PanelProps) {
  const only = onlyOf(params);
  const [names, setNames] = useState<readonly BackendName[]>(BACKEND_NAMES);
  const [state, setState] = useState<RunState | null>(null);
  const run = useRef<Run | null>(null);
  const begin = (tier: Tier, before: RunState | null = null, ran = names) => {
    run.current?.cancel();
    const first = beginRun(ran, tier, only, before);
    setState(first);
    run.current = startRun(first, setState);
  };
  useEffect(() => () => run.current?.cancel(), []);
  const one = params.get("case");
  useEffect(() => {
    if (one !== null) begin("quick"); // a link to a case runs it at once
  }, [one]);
  const running = state !== null && isRunning(state);
  const reports = useReports();
  const compare = useRef<HTMLDivElement>(null);
  const mine: Source | null = state && !running ? { name: "this run", text: async () => jsonOf(state) } : null;
  const onCompare = async (source: Source) => {
    // What another engine gave is held against this run, where there is one.
    await reports.add(mine && reports.loaded.length === 0 ? [source, mine] : [source]);
    compare.current?.scrollIntoView();
  };
  return (
    <>
      <p>
        The suite of @bn/conformance holds every backend to bounds that are derived (docs/spec.md), against a float64
        oracle, values that Caffe wrote, finite differences and exact sums. Each backend runs in a worker of its own.
      </p>
      {only && <OnlyNote only={only} />}
      <fieldset class="controls" disabled={running}>
        <legend>Backends</legend>
        <BackendBoxes names={names} onChange={setNames} />
      </fieldset>
      <div class="buttons">
        <button type="button" class="primary" disabled={running || names.length === 0} onClick={() => begin("quick")}>
          {only === null ? "Run the quick suite" : state === null ? "Run these cases" : "Run again"}
        </button>
        <Cancel running={running} cancel={() => run.current?.cancel()} />
        {state && !running && one === null && isUnfinished(state) && (
          <button
            type="button"
            onClick={() =>
              begin(
                "default",
                state,
                state.backends.map(({ name }) => name),
              )
            }
          >
            Go on with the rest
          </button>
        )}
        {state && !running && (
          <button
            type="button"
            onClick={() =>
              download(`bn-conformance-${fileDate(state.started)}.json`, jsonOf(state), "application/json")
            }
          >
            Download as JSON
          </button>
        )}
      </div>
      <div class={only ? "outcome small" : "outcome"}>
        {state === null && (
          <p class="soft">
            Nothing has run yet. The quick suite takes about half a minute per backend; a graphics driver in software
            takes minutes.
          </p>
        )}
        {state && <Outcome state={state} running={running} />}
      </div>
      <div ref={compare}>
        <Compare mine={mine} reports={reports} />
      </div>
      <Gallery onCompare={onCompare} />
    </>
  );
}

function Outcome({ state, running }: { readonly state: RunState; readonly running: boolean }) {
  const report = reportOf(state);
  const { passed, failed, skipped, notRun } = summarize(report.results);
  const few = state.only !== null && report.results.length <= 12;
  const none =
    state.only !== null && !running && report.results.length === 0 && state.backends.every(({ problem }) => !problem);
  return (
    <>
      <p class="verdict" role="status" data-verdict={running ? "running" : failed > 0 ? "failed" : "passed"}>
        {running ? "Running. " : ""}
        {`${passed} passed, ${failed} failed, ${skipped} skipped`}
        {notRun > 0 && `, ${notRun} not run`}
        {!running && ` in ${state.seconds.toFixed(1)} s`}
      </p>
      {none && (
        <p class="note">
          No case of the suite has this name. Names change with releases; look for a part of it with ?filter=.
        </p>
      )}
      <div class="cards three">
        {state.backends.map((one) => (
          <BackendCard key={one.name} run={one} />
        ))}
      </div>
      {few ? (
        report.results.map((result) => <ResultLine key={`${result.backend} ${result.id}`} result={result} />)
      ) : (
        <ResultTable
          report={report}
          caption="Cases by group and backend; worst is the largest error as a fraction of its bound"
        />
      )}
      {!running && <Skips results={report.results} />}
      <Failures report={report} />
    </>
  );
}

function Skips({ results }: { readonly results: readonly Result[] }) {
  const reasons = new Map<string, number>();
  for (const { backend, status, reason } of results) {
    const text = `${backend}: ${reason}`;
    if (status === "skipped") reasons.set(text, (reasons.get(text) ?? 0) + 1);
  }
  if (reasons.size === 0) return null;
  return (
    <details>
      <summary>Why cases were skipped</summary>
      <ul>
        {[...reasons].map(([reason, count]) => (
          <li key={reason}>
            {reason} ({count})
          </li>
        ))}
      </ul>
    </details>
  );
}

function OnlyNote({ only }: { readonly only: NonNullable<Order["only"]> }) {
  return (
    <p class="note">
      {"id" in only ? "Only the case " : "Only cases whose names hold "}
      <code>{"id" in only ? only.id : only.filter}</code>. <a href={hashOf("conformance")}>The whole suite</a>
    </p>
  );
}

function onlyOf(params: URLSearchParams): Order["only"] {
  const [id, filter] = [params.get("case"), params.get("filter")];
  if (id !== null) return { id };
  return filter === null ? null : { filter };
}

const fileDate = (date: Date) => date.toISOString().slice(0, 16).replace(/[:T]/g, "-");
