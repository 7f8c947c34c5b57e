import type { Result } from "@bn/conformance";
import { causesOf, type Report, ratioText } from "@bn/conformance/report";
import { hashOf } from "../route.ts";

const SHOWN = 40;

/** Failures by cause, with commands and programs that repeat them. */
export function Failures({ report }: { readonly report: Report }) {
  const causes = causesOf(report);
  if (causes.length === 0) return null;
  return (
    <section class="failures">
      <h2>Failures</h2>
      {causes
        .slice(0, SHOWN)
        .map(({ backend, key, text, clause, clauseText, count, smallest, call, snippet, repeat }) => (
          <details key={`${backend} ${key}`} class="failure">
            <summary>
              <b>{backend}</b>: {text} <span class="soft">({count === 1 ? "1 case" : `${count} cases`})</span>
            </summary>
            <p>
              Clause {clause}. {clauseText}
            </p>
            <ResultLine result={smallest} />
            {call !== null && <p>The smallest call that still fails: {call}</p>}
            {snippet !== null && <pre>{snippet}</pre>}
            {repeat !== null && <pre>{repeat}</pre>}
          </details>
        ))}
      {causes.length > SHOWN && <p>and {causes.length - SHOWN} more causes; the JSON has all.</p>}
    </section>
  );
}

export function ResultLine({ result }: { readonly result: Result }) {
  const { backend, id, clause, status, error, bound, ratio, reason, worst } = result;
  return (
    <div class={`one ${status}`}>
      <p>
        <b>{backend}</b> <span class={`status ${status}`}>{status === "notRun" ? "not run" : status}</span> clause{" "}
        {clause} <a href={hashOf("conformance", { case: id })}>{id}</a>
      </p>
      {reason !== "" && <p class="said">{reason}</p>}
      {error !== null && bound !== null && (
        <p class="soft">
          largest error {digits(error)}, its bound {digits(bound)}, ratio {ratioText(ratio)}
          {worst && `; got ${worst.got}, expected ${worst.expected} in ${worst.what}`}
        </p>
      )}
    </div>
  );
}

const digits = (value: number) => (value === 0 ? "0" : value.toPrecision(3));
