import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { createCpu } from "@bn/cpu";
import { expect, test } from "vitest";
import { intAttribute, intTensor, nodeOf, valueInfo } from "../src/graph/encode.ts";
import { buildModel } from "../src/index.ts";
import { createRuntime, type Runtime, verifyModel } from "../src/verify/index.ts";
import { NODE, record } from "./network.ts";
import { boolTensor, graphAttribute, net, norm, open } from "./siblings/net.ts";

const GOOD = buildModel(record(NODE), { shape: [1, 3, 2, 2] });
const FEEDS = new Map([["X", { type: "float32", shape: [1, 3, 2, 2], data: new Float32Array(12) }]]);

/** Training with unnamed outputs, which crashes ONNX Runtime 1.30. `verifyModel` names them. */
const CRASHES = net({
  nodes: [
    nodeOf(
      "BatchNormalization",
      "t",
      ["X", "scale", "B", "mean", "var"],
      ["Y", "", ""],
      [intAttribute("training_mode", 1)],
    ),
  ],
  inputs: [valueInfo("X", 1, [1, 3, 2, 2])],
});

/** A Loop of 2^50 steps before the node. */
const ENDLESS = net({
  nodes: [
    nodeOf(
      "Loop",
      "l",
      ["steps", "go", "X"],
      ["x"],
      [
        graphAttribute("body", {
          node: [nodeOf("Neg", "", ["v"], ["w"]), nodeOf("Identity", "", ["before"], ["after"])],
          input: [valueInfo("i", 7, []), valueInfo("before", 9, []), valueInfo("v", 1, [1, 3, 2, 2])],
          output: [valueInfo("after", 9, []), valueInfo("w", 1, [1, 3, 2, 2])],
        }),
      ],
    ),
    norm("x", "Y"),
    norm("X", "Z"),
  ],
  weights: [Object.assign(intTensor("steps", [2 ** 50]), { dims: [] }), boolTensor("go", true)],
  inputs: [valueInfo("X", 1, [1, 3, 2, 2])],
  outputs: [open("Y"), open("Z")],
});

/** A tensor of 1 GiB, of which each of several nodes makes a copy. */
const LARGE = net({
  nodes: [
    nodeOf("ConstantOfShape", "", ["size"], ["a"]),
    ...["b", "c", "d", "e"].map((name, i) => nodeOf("Cos", "", [String.fromCharCode(97 + i)], [name])),
    nodeOf("ReduceSum", "", ["e"], ["f"], [intAttribute("keepdims", 0)]),
    nodeOf("Add", "", ["X", "f"], ["Y"]),
  ],
  weights: [intTensor("size", [2 ** 28])],
  opset: 11,
  inputs: [valueInfo("X", 1, [1, 3, 2, 2])],
});

async function outcome(runtime: Runtime, model: Uint8Array): Promise<string> {
  const run = async () => {
    const loaded = await runtime.load(model);
    try {
      return `${[...(await loaded.run(FEEDS)).keys()]}`;
    } finally {
      await loaded.release().catch(() => {});
    }
  };
  return await run().catch(({ code, message }) => `${code}: ${message}`);
}

/** The processes that this one has started, including dead ones that were not waited for. */
function children(): number[] {
  return readdirSync("/proc/self/task").flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
}
const isLinux = process.platform === "linux" && existsSync(`/proc/self/task/${process.pid}/children`);

test("a crash ends in an error that says so, and the next model runs in another process", async () => {
  await using runtime = createRuntime();
  expect(await outcome(runtime, CRASHES)).toMatch(
    /^ERR_BN_DATA: ONNX Runtime does not run the model: its process ended with SIG[A-Z]+; this is a fault of ONNX Runtime/,
  );
  expect(await outcome(runtime, GOOD)).toBe("Y");
});

test("an endless run ends at the timeout, and what does not need it is compared", async () => {
  await using runtime = createRuntime({ timeout: 4 });
  await using cpu = await createCpu();
  const { rows } = await verifyModel(ENDLESS, [cpu], { runtime });
  expect(rows.map(({ reason, backends }) => [backends[0]?.status, reason])).toEqual([
    ["skipped", expect.stringMatching(/it did not finish within 4 s; raise the timeout/)],
    ["passed", ""],
  ]);
});

test.runIf(isLinux)("memory beyond the limit ends in an error (/proc tells it, on Linux)", async () => {
  await using runtime = createRuntime({ memory: 2 ** 28 });
  expect(await outcome(runtime, LARGE)).toMatch(/^ERR_BN_DATA: .*: it used more than 256 MiB of memory; use a smaller/);
  expect(await outcome(runtime, GOOD)).toBe("Y");
});

test("a signal ends the process, and what waits for it rejects with its reason", async () => {
  const abort = new AbortController();
  await using runtime = createRuntime({ signal: abort.signal });
  const loaded = await runtime.load(ENDLESS);
  const running = loaded.run(FEEDS);
  abort.abort(new Error("enough"));
  await expect(running).rejects.toThrow("enough");
  await expect(runtime.load(GOOD)).rejects.toThrow("enough");
});

test.runIf(isLinux)("no process is left, dead or alive, once a runtime is disposed (/proc tells it)", async () => {
  const before = children();
  {
    await using runtime = createRuntime({ timeout: 4 });
    await outcome(runtime, CRASHES);
    await outcome(runtime, ENDLESS);
    expect(await outcome(runtime, GOOD)).toBe("Y");
    expect(children().length).toBe(before.length + 1);
  }
  while (children().length > before.length) await sleep(20);
});

test.runIf(isLinux)("when the process that started it is killed, it ends too (/proc tells it)", async () => {
  const program = `
    import { createRuntime } from ${JSON.stringify(new URL("../dist/verify/index.js", import.meta.url).href)};
    import { readFileSync } from "node:fs";
    const runtime = createRuntime();
    await runtime.load(Uint8Array.from(${JSON.stringify([...GOOD])}));
    console.log(readFileSync(\`/proc/self/task/\${process.pid}/children\`, "utf8").trim());
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [printed] = await once(parent.stdout, "data");
  const [child] = String(printed).trim().split(" ").slice(-1);
  expect(existsSync(`/proc/${child}`)).toBe(true);
  parent.kill("SIGKILL");
  await once(parent, "exit");
  while (existsSync(`/proc/${child}`)) await sleep(20);
});
