import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createCpu } from "@bn/cpu";
import { afterAll, expect, test } from "vitest";
import { createRuntime, type Tensor, verifyModel } from "../../src/verify/index.ts";

interface Stored {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly data: string;
}

interface NodeCase {
  readonly name: string;
  readonly rtol: number;
  readonly atol: number;
  readonly model: string;
  readonly inputs: readonly Stored[];
  readonly outputs: readonly Stored[];
}

/** Debian's Python, which has python3-onnx; another Python may come first in the path. */
const PYTHON = process.platform === "linux" ? "/usr/bin/python3" : "python3";
const run = (args: readonly string[]) => spawnSync(PYTHON, args, { encoding: "utf8", maxBuffer: 2 ** 26 });
const missing = run(["-c", "import onnx, numpy"]).status !== 0;

const runtime = createRuntime();
afterAll(() => runtime[Symbol.asyncDispose]());

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, "base64"));
const tensorOf = ({ type, shape, data }: Stored): Tensor => ({ type, shape, data: floats(data) });
const floats = (data: string) => new Float32Array(bytesOf(data).buffer);

test.skipIf(missing)("ONNX's own node tests of normalizations (needs python3-onnx and python3-numpy)", async () => {
  const { stdout, stderr, status } = run([fileURLToPath(new URL("export.py", import.meta.url))]);
  expect([status, stderr]).toEqual([0, ""]);
  const cases: NodeCase[] = JSON.parse(stdout);
  expect(cases.length).toBeGreaterThanOrEqual(25);
  await using cpu = await createCpu();
  for (const { name, rtol, atol, model, inputs, outputs } of cases) {
    expect(new Set([...inputs, ...outputs].map(({ type }) => type)), name).toEqual(new Set(["float32"]));
    const feeds = Object.fromEntries(inputs.map((input) => [input.name, tensorOf(input)]));
    const { rows } = await verifyModel(bytesOf(model), [cpu], { runtime, feeds });
    expect(
      rows.map(({ reason, backends, onnxRuntime }) => [reason, backends[0]?.status, (onnxRuntime?.ratio ?? 2) <= 1]),
      name,
    ).toEqual([["", "passed", true]]);
    // The result that it was compared with is the one that ONNX expects.
    const loaded = await runtime.load(bytesOf(model));
    const given = await loaded.run(new Map(Object.entries(feeds)));
    await loaded.release();
    for (const output of outputs) {
      const expected = floats(output.data);
      const got = given.get(output.name)?.data as Float32Array;
      const off = expected.findIndex(
        (value, i) => !(Math.abs((got[i] as number) - value) <= atol + rtol * Math.abs(value)),
      );
      expect([got.length, off], `${name}, ${output.name}`).toEqual([expected.length, -1]);
    }
  }
});
