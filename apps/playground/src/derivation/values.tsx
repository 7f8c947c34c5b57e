import { Scroll } from "../parts/scroll.tsx";
import type { Outcome } from "./compute.ts";
import { numberText, type Term } from "./terms.ts";

interface ValuesProps {
  readonly x: readonly number[];
  readonly dy: readonly number[];
  readonly outcome: Outcome;
  readonly lit: (term: Term | null) => void;
}

/** Every number of the plots, one row per value. */
export function Values({ x, dy, outcome, lit }: ValuesProps) {
  const { xhat, y, direct, throughMean, throughVariance, dx } = outcome;
  const columns: readonly (readonly [string, readonly number[], Term | null])[] = [
    ["x", x, null],
    ["x\u0302", xhat, "xhat"],
    ["y", y, null],
    ["dy", dy, null],
    ["direct", direct, "direct"],
    ["through mean", throughMean, "through-mean"],
    ["through variance", throughVariance, "through-variance"],
    ["dx", dx, null],
  ];
  const sum = dx.reduce((a, b) => a + b, 0);
  return (
    <>
      <Scroll label="Every value">
        <table class="values">
          <thead>
            <tr>
              <th scope="col" class="number">
                i
              </th>
              {columns.map(([name, , term]) => (
                <th
                  key={name}
                  scope="col"
                  class={term ? `number t-${term}` : "number"}
                  onPointerEnter={() => lit(term)}
                  onPointerLeave={() => lit(null)}
                >
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {x.map((_, i) => (
              <tr key={i}>
                <th scope="row" class="number">
                  {i + 1}
                </th>
                {columns.map(([name, values, term]) => (
                  <td key={name} class={term ? `number t-${term}` : "number"} data-value={values[i]}>
                    {numberText(values[i] ?? 0)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <p class="soft">
        The sum of dx is {numberText(sum)}: with the batch's statistics moving all values alike changes nothing.
      </p>
    </>
  );
}
