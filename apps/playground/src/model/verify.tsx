import { ratioText } from "@bn/conformance/report";
import type { VerifyReport, VerifyRow } from "@bn/onnx/web";
import { useState } from "preact/hooks";
import type { BackendName } from "../backends.ts";
import { BackendBoxes } from "../parts/controls.tsx";
import { download } from "../parts/download.ts";
import { ProblemBoxes } from "../parts/problem-box.tsx";
import { Heads, Table } from "../parts/table.tsx";
import { Cancel, useTask } from "../parts/use-task.tsx";
import type { ModelFiles } from "./files.ts";
import { startModelTask } from "./task.ts";

interface Progress {
  readonly rows: readonly VerifyRow[];
  readonly total: number;
  readonly done: { readonly report: VerifyReport; readonly html: string } | null;
}

const NOTHING: Progress = { rows: [], total: 0, done: null };

/** Runs the network in ONNX Runtime. Every backend repeats each normalization on the input that the node had there. */
export function Verify({ files }: { readonly files: ModelFiles }) {
  const [names, setNames] = useState<readonly BackendName[]>(["cpu", "wasm"]);
  const [input, setInput] = useState<File | null>(null);
  const [progress, setProgress] = useState<Progress>(NOTHING);
  const job = useTask("The network could not be verified");
  const { running } = job;
  const run = () =>
    job.run(() => {
      setProgress(NOTHING);
      return startModelTask({ kind: "verify", files, backends: names, input }, (message) => {
        if (message.type === "row")
          setProgress((old) => ({ ...old, rows: [...old.rows, message.row], total: message.total }));
        if (message.type === "verified") setProgress((old) => ({ ...old, rows: message.report.rows, done: message }));
        if (message.type === "missing") job.complain(message.error, `${message.backend} is left out`);
      });
    });
  return (
    <section>
      <h2>Verify</h2>
      <p>
        ONNX Runtime runs the network here (it loads 14 MB once). Each backend repeats each normalization on what the
        node saw. An error is shown as a fraction of its bound; at most 1 passes.
      </p>
      <fieldset class="controls" disabled={running}>
        <legend>Backends and input</legend>
        <BackendBoxes names={names} onChange={setNames} />
        <label>
          input{" "}
          <input
            type="file"
            accept=".npy"
            aria-label="input as .npy"
            onChange={(event) => setInput(event.currentTarget.files?.[0] ?? null)}
          />
          <span class="soft">{input ? "" : "made up, unless a .npy is given"}</span>
        </label>
      </fieldset>
      <div class="buttons">
        <button type="button" class="primary" disabled={running || names.length === 0} onClick={run}>
          Verify this model
        </button>
        <Cancel {...job} />
        {progress.done && (
          <button
            type="button"
            onClick={() =>
              progress.done && download(`${files.model.name}.verify.html`, progress.done.html, "text/html")
            }
          >
            Download the report
          </button>
        )}
      </div>
      <ProblemBoxes problems={job.problems} />
      <Rows progress={progress} running={running} />
    </section>
  );
}

function Rows({
  progress: { rows, total, done },
  running,
}: {
  readonly progress: Progress;
  readonly running: boolean;
}) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { backends } of rows) for (const { status } of backends) counts[status]++;
  const names = rows[0]?.backends.map(({ backend }) => backend) ?? [];
  return (
    <div class="verified">
      <p
        class="verdict"
        role="status"
        data-verdict={running ? "running" : counts.failed > 0 ? "failed" : done ? "passed" : "none"}
      >
        {running &&
          (total === 0 ? "ONNX Runtime is loading and running the network ..." : `${rows.length} of ${total} nodes. `)}
        {(done || total > 0) && `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`}
      </p>
      {rows.length > 0 && (
        <Table
          label="Nodes and errors"
          head={
            <>
              <Heads of={["node", "shape"]} />
              <Heads number of={["ONNX Runtime", ...names]} />
            </>
          }
        >
          {rows.map((row, i) => (
            <tr key={`${i} ${row.node}`}>
              <th scope="row">
                {row.node}
                {row.reason !== "" && <span class="soft"> {row.reason}</span>}
              </th>
              <td>{row.shape.join("x") || "-"}</td>
              <td class="number">{ratioText(row.onnxRuntime?.ratio ?? null)}</td>
              {row.backends.map(({ backend, status, float64, reason }) => (
                <td key={backend} class={`number ${status === "failed" ? "failed" : ""}`} title={reason}>
                  {status === "skipped" ? `skipped` : ratioText(float64?.ratio ?? null)}
                </td>
              ))}
            </tr>
          ))}
        </Table>
      )}
    </div>
  );
}
