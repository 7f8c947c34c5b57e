import { useState } from "preact/hooks";
import type { PanelProps } from "../panels.ts";
import { Drop } from "../parts/drop.tsx";
import { ProblemBoxes } from "../parts/problem-box.tsx";
import { useTask } from "../parts/use-task.tsx";
import type { Inspected } from "./facts.ts";
import { type ModelFiles, sortFiles } from "./files.ts";
import { Layers } from "./layers.tsx";
import { SAMPLES } from "./samples.ts";
import { startModelTask } from "./task.ts";
import { Verify } from "./verify.tsx";
import "./model.css";

interface Opened {
  readonly files: ModelFiles;
  readonly inspected: Inspected;
}

export function ModelPanel(_: PanelProps) {
  const [opened, setOpened] = useState<Opened | null>(null);
  const [opening, setOpening] = useState("");
  const job = useTask("This model cannot be opened");
  const open = (get: () => Promise<readonly File[]>) =>
    job.run(async () => {
      setOpened(null);
      setOpening("the files");
      const files = sortFiles(await get());
      setOpening(files.model.name);
      return startModelTask({ kind: "inspect", files }, (message) => {
        if (message.type === "inspected") setOpened({ files, inspected: message.inspected });
      });
    });
  return (
    <>
      <p>
        What <code>bn inspect</code> says of a model's normalizations, their statistics drawn, and whether ONNX Runtime
        and every backend here agree on them. The file stays in this browser.
      </p>
      <Drop
        label="Drop a model here"
        hint=".onnx (with the files beside it), or .caffemodel with .prototxt; or press to choose"
        accept=".onnx,.caffemodel,.prototxt,.data,.bin,application/octet-stream"
        onFiles={(files) => open(async () => files)}
      />
      <div class="buttons">
        {SAMPLES.map(({ title, what, files }) => (
          <button key={title} type="button" onClick={() => open(files)}>
            {title} <span class="soft">{what}</span>
          </button>
        ))}
      </div>
      <div class="model">
        {job.running && <p role="status">Reading {opening} ...</p>}
        <ProblemBoxes problems={job.problems} />
        {opened && <Findings key={opened.inspected.title} {...opened} />}
      </div>
    </>
  );
}

function Findings({ files, inspected }: Opened) {
  const { title, format, bytes, layers, diagnostics } = inspected;
  const suspect = layers.filter(({ suspects }) => suspects.length > 0).length;
  return (
    <>
      <h2>{title}</h2>
      <p role="status" data-layers={layers.length}>
        {format}, {sizeText(bytes)}: {layers.length} normalization {layers.length === 1 ? "layer" : "layers"},{" "}
        {suspect === 0 ? "none looks wrong" : `${suspect} ${suspect === 1 ? "looks" : "look"} wrong`}.
      </p>
      <Layers layers={layers} />
      {diagnostics.length > 0 && (
        <details open={suspect > 0}>
          <summary>What bn inspect remarks ({diagnostics.length})</summary>
          <ul class="diagnostics">
            {diagnostics.map(({ kind, message }) => (
              <li key={message}>
                <b class={kind === "suspect" || kind === "damaged" ? "failed" : ""}>{kind}</b>: {message}
              </li>
            ))}
          </ul>
        </details>
      )}
      <Verify files={files} />
    </>
  );
}

const sizeText = (bytes: number) => (bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);
