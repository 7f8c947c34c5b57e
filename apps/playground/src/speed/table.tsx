import { Scroll } from "../parts/scroll.tsx";
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
      <Scroll label={`Times of ${shape}`}>
        <table class="speed">
          <thead>
            <tr>
              <th scope="col">who</th>
              <th scope="col" class="number">
                ms
              </th>
              <th scope="col" class="number">
                copies
              </th>
              <th scope="col" class="number">
                ns per value
              </th>
              <th scope="col" class="number">
                right digits
              </th>
              <th scope="col">
                <span class="soft">shorter is faster</span>
              </th>
            </tr>
          </thead>
          <tbody>
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
          </tbody>
        </table>
      </Scroll>
    </>
  );
}

/** Formats three digits, without an exponent for large numbers. */
const digits3 = (value: number) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
