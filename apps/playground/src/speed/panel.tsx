import { useMemo, useState } from "preact/hooks";
import { BACKEND_NAMES } from "../backends.ts";
import type { PanelProps } from "../panels.ts";
import { Chart } from "../parts/chart.tsx";
import { ProblemBoxes } from "../parts/problem-box.tsx";
import { startTask } from "../parts/task.ts";
import { Cancel, useTask } from "../parts/use-task.tsx";
import { countOf, type Job, OPS, type Op, parseShape } from "./jobs.ts";
import { SpeedTable } from "./table.tsx";
import type { SpeedMessage, SpeedRow } from "./worker.ts";

const SHAPES = ["8x64x28x28", "32x64x56x56", "32x256x14x14", "64x128"];
/** Shapes of 2^12 to 2^20 elements with 64 channels. */
const CURVE: readonly (readonly number[])[] = [1, 4, 16, 64, 256].map((n) => [n, 64, 8, 8]);
const PEER_NAMES = ["tfjs (JavaScript)", "onnxruntime-web (wasm)"];
const ROUNDS = 7;

export function SpeedPanel(_: PanelProps) {
  const [shape, setShape] = useState("8x64x28x28");
  const [op, setOp] = useState<Op>("batch");
  const [peers, setPeers] = useState(false);
  const [rows, setRows] = useState<readonly SpeedRow[]>([]);
  const [doing, setDoing] = useState("");
  const job = useTask("The measurement ended");
  const { running } = job;
  const parsed = parseShape(shape);
  const run = (jobs: readonly Job[]) =>
    job.run(() => {
      setRows([]);
      setDoing("starting");
      const order = { jobs, backends: BACKEND_NAMES, peers: peers ? PEER_NAMES : [], rounds: ROUNDS };
      const create = () => new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "speed" });
      return startTask(
        create,
        () => order,
        (message: SpeedMessage) => {
          if (message.type === "doing") setDoing(message.text);
          if (message.type === "row") setRows((old) => [...old, message.row]);
          if (message.type === "missing") job.complain(message.error, `${message.name} is left out`);
        },
        () => job.complain("its threads did not start", "@bn/wasm is timed on one thread"),
      );
    });
  return (
    <>
      <p>
        The layer forward or backward, data resident where the backend keeps it. Every result is checked against the
        suite's oracle; then all take turns, and the median of {ROUNDS} samples counts. None of them can take less time
        than a copy of the same bytes.
      </p>
      <fieldset class="controls" disabled={running}>
        <legend>What to time</legend>
        <label>
          shape, channels second{" "}
          <input
            type="text"
            list="shapes"
            size={14}
            value={shape}
            aria-invalid={parsed === null}
            onInput={(event) => setShape(event.currentTarget.value)}
          />
          <datalist id="shapes">
            {SHAPES.map((one) => (
              <option key={one} value={one} />
            ))}
          </datalist>
        </label>
        <label>
          operation{" "}
          <select value={op} onChange={(event) => setOp(event.currentTarget.value as Op)}>
            {Object.entries(OPS).map(([key, text]) => (
              <option key={key} value={key}>
                {text}
              </option>
            ))}
          </select>
        </label>
        <label>
          <input type="checkbox" checked={peers} onChange={(event) => setPeers(event.currentTarget.checked)} />
          with tfjs and onnxruntime-web <span class="soft">(loads 15 MB)</span>
        </label>
      </fieldset>
      {parsed === null && (
        <p class="note" role="status">
          A shape is two to five sizes such as 8x64x28x28, of at most 2^26 values in all.
        </p>
      )}
      <div class="buttons">
        <button
          type="button"
          class="primary"
          disabled={running || parsed === null}
          onClick={() => parsed && run([{ op, shape: parsed }])}
        >
          Measure this shape
        </button>
        <button type="button" disabled={running} onClick={() => run(CURVE.map((one) => ({ op, shape: one })))}>
          Measure over sizes
        </button>
        <Cancel {...job} />
      </div>
      <ProblemBoxes problems={job.problems} />
      <p role="status" data-doing={running ? doing : ""}>
        {running
          ? `Now ${doing} ...`
          : rows.length === 0
            ? "Nothing was measured yet."
            : "Done. Other tabs and other programs change these numbers."}
      </p>
      <Results rows={rows} />
    </>
  );
}

function Results({ rows }: { readonly rows: readonly SpeedRow[] }) {
  const shapes = [...new Set(rows.map(({ job }) => job.shape.join("x")))];
  const x = useMemo(() => shapes.map((one) => countOf(one.split("x").map(Number))), [rows]);
  const curves = useMemo(() => {
    const names = [...new Set(rows.map(({ name }) => name))];
    const at = (name: string, shape: string) =>
      rows.find((row) => row.name === name && row.job.shape.join("x") === shape)?.ms ?? null;
    return names.map((name) => ({ name, values: shapes.map((shape) => at(name, shape)) }));
  }, [rows]);
  return (
    <div class="outcome">
      {shapes.length > 1 && (
        <Chart
          label="Milliseconds over the number of values; the tables below have the numbers"
          x={x}
          curves={curves}
          xLabel="values"
          yLabel="ms"
          yLog
        />
      )}
      {shapes.toReversed().map((shape) => (
        <SpeedTable key={shape} shape={shape} rows={rows.filter(({ job }) => job.shape.join("x") === shape)} />
      ))}
    </div>
  );
}
