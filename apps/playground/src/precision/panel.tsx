import { useEffect, useMemo, useState } from "preact/hooks";
import { BACKEND_NAMES } from "../backends.ts";
import type { PanelProps } from "../panels.ts";
import { Chart } from "../parts/chart.tsx";
import { Slider } from "../parts/controls.tsx";
import { ProblemBoxes } from "../parts/problem-box.tsx";
import { Heads, Table } from "../parts/table.tsx";
import { startTask } from "../parts/task.ts";
import { Cancel, useTask } from "../parts/use-task.tsx";
import type { PrecisionMessage, PrecisionOrder } from "./worker.ts";

interface Row {
  readonly ratio: number;
  readonly digits: Readonly<Record<string, number>>;
}

const POINTS = 29;

export function PrecisionPanel(_: PanelProps) {
  const [rows, setRows] = useState<readonly Row[]>([]);
  const [place, setPlace] = useState(12);
  const [peers, setPeers] = useState<readonly string[]>([]);
  const job = useTask("The measurement ended");
  const { running } = job;
  const run = (order: PrecisionOrder) =>
    job.run(() => {
      setRows([]);
      setPeers(order.peers);
      const create = () => new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "precision" });
      return startTask(
        create,
        () => order,
        (message: PrecisionMessage) => {
          if (message.type === "row") setRows((old) => [...old, message]);
          else job.complain(message.error, `${message.name} is left out`);
        },
      );
    });
  useEffect(() => void run({ backends: BACKEND_NAMES, peers: [] }), []);
  const names = Object.keys(rows[0]?.digits ?? {});
  const ratio = 10 ** (place / 4);
  const curves = useMemo(
    () => names.map((name) => ({ name, values: rows.map(({ digits }) => digits[name] ?? null) })),
    [rows],
  );
  const x = useMemo(() => rows.map((row) => row.ratio), [rows]);
  return (
    <>
      <p>
        4096 values in float32 with standard deviation 1 and a growing mean, normalized in several ways. The chart shows
        how many decimal digits of y are right, against the suite's oracle on the same values. float32 holds a little
        more than 7.
      </p>
      <div class="controls">
        <Slider label="mean / std" value={place} min={0} max={POINTS - 1} text={ratioText(ratio)} onValue={setPlace} />
        <button
          type="button"
          disabled={running || peers.length > 0}
          onClick={() => run({ backends: BACKEND_NAMES, peers: ["tfjs", "onnxruntime-web"] })}
        >
          Add tfjs and onnxruntime-web <span class="soft">(loads 15 MB)</span>
        </button>
        <Cancel {...job} />
      </div>
      <ProblemBoxes problems={job.problems} />
      <p role="status" data-rows={rows.length}>
        {running ? `Measuring: ${rows.length} of ${POINTS} ratios.` : `Measured at ${rows.length} ratios.`}
      </p>
      <Chart
        label="Digits that are right, over mean / std; the table below has the numbers"
        x={x}
        curves={curves}
        xLabel="mean / std"
        yLabel="digits"
        yMost={8}
        at={ratio}
      />
      <h2>At mean / std = {ratioText(ratio)}</h2>
      <At row={rows[place]} names={names} />
      <details>
        <summary>Every number</summary>
        <Table label="Digits by ratio" head={<Heads number of={["mean / std", ...names]} />}>
          {rows.map((row) => (
            <tr key={row.ratio}>
              <th scope="row" class="number">
                {ratioText(row.ratio)}
              </th>
              {names.map((name) => (
                <td key={name} class="number">
                  {row.digits[name]?.toFixed(2)}
                </td>
              ))}
            </tr>
          ))}
        </Table>
      </details>
    </>
  );
}

function At({ row, names }: { readonly row: Row | undefined; readonly names: readonly string[] }) {
  return (
    <table class="digits">
      <tbody>
        {names.map((name) => {
          const digits = row?.digits[name];
          return (
            <tr key={name} data-method={name} data-digits={digits}>
              <th scope="row">{name}</th>
              <td class="number">{digits === undefined ? "..." : digits.toFixed(2)}</td>
              <td>
                <meter min={0} max={8} value={digits ?? 0} aria-label={`${name}: digits`} />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

const ratioText = (ratio: number) => (ratio < 1e4 ? String(Number(ratio.toPrecision(3))) : ratio.toExponential(1));
