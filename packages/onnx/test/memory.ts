import { readFileSync } from "node:fs";
import { createCpu } from "@bn/cpu";
import { valueInfo } from "../src/graph/encode.ts";
import { createRuntime, verifyModel } from "../src/verify/index.ts";
import { floats, net, norm } from "./siblings/net.ts";

/**
 * What verifying a chain of nodes takes, on Linux, by hand: node test/memory.ts NODES CHANNELS SIDE. One line of JSON: MiB of
 * all activations, and the most that this process and ONNX Runtime's held, each at its own worst moment.
 */
const [nodes = 1, channels = 3, side = 4] = process.argv.slice(2).map(Number);
const tensors = Array.from({ length: nodes + 1 }, (_, i) => (i === 0 ? "X" : i === nodes ? "Y" : `t${i}`));
const values = (from: number) => Array.from({ length: channels }, (_, c) => from + Math.sin(c));
const model = net({
  nodes: tensors.slice(1).map((y, i) => norm(tensors[i] as string, y)),
  weights: [
    floats("scale", [channels], ...values(0.5)),
    floats("B", [channels], ...values(0)),
    floats("mean", [channels], ...values(0)),
    floats("var", [channels], ...values(2)),
  ],
  inputs: [valueInfo("X", 1, [1, channels, side, side])],
});

const peakOf = (pid: number | string) =>
  Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

await using cpu = await createCpu();
await using runtime = createRuntime();
const [child = ""] = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8").trim().split(" ");
const { rows } = await verifyModel(model, [cpu], { runtime });
const passed = rows.filter(({ backends }) => backends[0]?.status === "passed").length;
const activations = ((nodes + 1) * channels * side * side * 4) / 2 ** 20;
const [parent, engine] = [peakOf(process.pid), peakOf(child)].map(Math.round);
console.log(JSON.stringify({ passed, activations, parent, engine }));
