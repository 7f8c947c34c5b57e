import { Heads, Table } from "../parts/table.tsx";
import type { Outcome } from "./compute.ts";
import { lights, numberText, type Term } from "./terms.ts";

interface ValuesProps {
  readonly outcome: Outcome;
  readonly lit: (term: Term | null) => void;
}

/** Every number of the plots, one row per value. x and dy are those that the results belong to. */
export function Values({ outcome, lit }: ValuesProps) {
  const { x, dy, xhat, y, direct, throughMean, throughVariance, dx } = outcome;
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
      <Table
        label="Every value"
        class="values"
        head={
          <>
            <Heads number of={["i"]} />
            {columns.map(([name, , term]) => (
              <th key={name} scope="col" class={term ? `number t-${term}` : "number"} {...lights(lit, term)}>
                {name}
              </th>
            ))}
          </>
        }
      >
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
      </Table>
      <p class="soft">
        The sum of dx is {numberText(sum)}: with the batch's statistics moving all values alike changes nothing.
      </p>
    </>
  );
}
