import { Heads, Table } from "../parts/table.tsx";
import { COPY } from "./contenders.ts";
import { countOf, OPS } from "./jobs.ts";
import type { SpeedRow } from "./worker.ts";
import "./speed.css";

/** The times for one shape, next to the copy's. */
export function SpeedTable({ shape, rows }: { readonly shape: string; readonly rows: readonly SpeedRow[] }) {
  const copy = rows.find(({ name }) => name === COPY)?.ms ?? null;
  const longest = Math.max(...rows.map(({ ms }) => ms ?? 0));
  const [first] = rows;
  if (!first) return null;
  return (
    <>
      <h2>
        {shape}: {OPS[first.job.op]}
      </h2>
      <Table
        label={`Times of ${shape}`}
        class="speed"
        head={
          <>
            <Heads of={["who"]} />
            <Heads number of={["ms", "copies", "ns per value", "right digits"]} />
            <th scope="col">
              <span class="soft">shorter is faster</span>
            </th>
          </>
        }
      >
        {rows.map(({ name, ms, digits, why, job }) => (
          <tr key={name} data-who={name} data-ms={ms}>
            <th scope="row">{name}</th>
            <td class="number">{ms === null ? "-" : ms.toPrecision(3)}</td>
            <td class="number">{ms === null || copy === null || copy === 0 ? "-" : digits3(ms / copy)}</td>
            <td class="number">{ms === null ? "-" : digits3((ms * 1e6) / countOf(job.shape))}</td>
            <td class="number">{digits === null ? "-" : digits.toFixed(1)}</td>
            <td>
              {why !== "" ? (
                <span class="soft">{why}</span>
              ) : (
                <div class="length" style={{ width: `${(100 * (ms ?? 0)) / longest}%` }} />
              )}
            </td>
          </tr>
        ))}
      </Table>
    </>
  );
}

/** Formats three digits, without an exponent for large numbers. */
const digits3 = (value: number) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
