import { Fragment } from "preact";
import { webgpuCure } from "../facts/environment.ts";
import { ProblemBox } from "../parts/problem-box.tsx";
import type { BackendRun } from "./run.ts";

/** One backend in the run: its progress, its facts, and its errors. */
export function BackendCard({ run }: { readonly run: BackendRun }) {
  const { name, phase, supports, cases, results, next, problem } = run;
  const failed = results.filter(({ status }) => status === "failed").length;
  const lacks = name === "webgpu" && supports === null && problem !== null;
  return (
    <section class="card backend" data-backend={name} data-phase={phase}>
      <h3>
        {name} <span class="soft">{phase}</span>
      </h3>
      <progress max={Math.max(cases.length, 1)} value={results.length} aria-label={`${name}: cases done`} />
      <p class="count">
        {results.length} of {cases.length} cases{failed > 0 && <b class="failed">, {failed} failed</b>}
      </p>
      <p class="next" title={next}>
        {next}
      </p>
      {problem && (
        <ProblemBox
          problem={
            lacks ? { ...problem, cure: `${webgpuCure(navigator.userAgent)} The other backends go on.` } : problem
          }
        />
      )}
      {supports && (
        <dl>
          <dt>types</dt>
          <dd>{supports.dtypes.join(", ")}</dd>
          {Object.entries(supports.details).map(([key, value]) => (
            <Fragment key={key}>
              <dt>{key}</dt>
              <dd>{value}</dd>
            </Fragment>
          ))}
        </dl>
      )}
    </section>
  );
}
