import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { BACKEND_NAMES } from "../backends.ts";
import type { PanelProps } from "../panels.ts";
import { Chart } from "../parts/chart.tsx";
import { type Problem, problemOf } from "../parts/problem.ts";
import { ProblemBox } from "../parts/problem-box.tsx";
import { Scroll } from "../parts/scroll.tsx";
import { startTask, type Task } from "../parts/task.ts";
import type { PrecisionMessage, PrecisionOrder } from "./worker.ts";

interface Row {
  readonly ratio: number;
  readonly digits: Readonly<Record<string, number>>;
}

const POINTS = 29;

export function PrecisionPanel(_: PanelProps) {
  const [rows, setRows] = useState<readonly Row[]>([]);
  const [missing, setMissing] = useState<readonly Problem[]>([]);
  const [running, setRunning] = useState(false);
  const [place, setPlace] = useState(12);
  const [peers, setPeers] = useState<readonly string[]>([]);
  const task = useRef<Task | null>(null);
  const run = async (order: PrecisionOrder) => {
    task.current?.cancel();
    setRows([]);
    setMissing([]);
    setRunning(true);
    setPeers(order.peers);
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "precision" });
    const mine = startTask<PrecisionMessage>(worker, order, (message) => {
      if (message.type === "row") setRows((old) => [...old, message]);
      else setMissing((old) => [...old, problemOf(message.error, `${message.name} is left out`)]);
    });
    task.current = mine;
    await mine.done.catch((error: unknown) => setMissing((old) => [...old, problemOf(error, "The measurement ended")]));
    if (task.current === mine) setRunning(false);
  };
  useEffect(() => {
    run({ backends: BACKEND_NAMES, peers: [] });
    return () => task.current?.cancel();
  }, []);
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
        <label>
          mean / std{" "}
          <input
            type="range"
            min="0"
            max={POINTS - 1}
            value={place}
            aria-valuetext={ratioText(ratio)}
            onInput={(event) => setPlace(event.currentTarget.valueAsNumber)}
          />
          <output class="mono">{ratioText(ratio)}</output>
        </label>
        <button
          type="button"
          disabled={running || peers.length > 0}
          onClick={() => run({ backends: BACKEND_NAMES, peers: ["tfjs", "onnxruntime-web"] })}
        >
          Add tfjs and onnxruntime-web <span class="soft">(loads 15 MB)</span>
        </button>
        {running && (
          <button type="button" onClick={() => task.current?.cancel()}>
            Cancel
          </button>
        )}
      </div>
      {missing.map((one) => (
        <ProblemBox key={one.title} problem={one} />
      ))}
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
        <Scroll label="Digits by ratio">
          <table>
            <thead>
              <tr>
                <th scope="col" class="number">
                  mean / std
                </th>
                {names.map((name) => (
                  <th key={name} scope="col" class="number">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
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
            </tbody>
          </table>
        </Scroll>
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
