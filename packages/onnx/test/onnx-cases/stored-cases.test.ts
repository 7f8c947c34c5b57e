import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { createCpu } from "@bn/cpu";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, TensorProtoSchema } from "onnx-buf";
import { afterAll, describe, expect, test } from "vitest";
import { opsetOf, parseModel } from "../../src/graph/proto.ts";
import { numbersOf, wholeNumbersOf } from "../../src/graph/tensor.ts";
import { upgrade } from "../../src/graph/upgrade.ts";
import { createRuntime, type Tensor, verifyModel } from "../../src/verify/index.ts";

/** The stored tests of ONNX, including networks of old operator sets, from Debian's package libonnx-testdata. */
const DATA = "/usr/share/libonnx-testdata/data";
const missing = !existsSync(DATA);
/** The tolerances of ONNX's backend tests, for cases that have none of their own. */
const [RTOL, ATOL] = [1e-3, 1e-7];

const runtime = createRuntime();
afterAll(() => runtime[Symbol.asyncDispose]());

interface Stored {
  readonly name: string;
  readonly folder: string;
  readonly bytes: Uint8Array;
}

async function* storedIn(kinds: readonly string[]): AsyncGenerator<Stored> {
  for (const kind of kinds) {
    for (const name of (await readdir(`${DATA}/${kind}`)).toSorted()) {
      const folder = `${DATA}/${kind}/${name}`;
      yield { name: `${kind}/${name}`, folder, bytes: await readFile(`${folder}/model.onnx`) };
    }
  }
}

/** The tensors of a data set, `input` or `output`, in order. */
async function tensorsOf(folder: string, what: "input" | "output"): Promise<Tensor[]> {
  const found: Tensor[] = [];
  for (let i = 0; existsSync(`${folder}/test_data_set_0/${what}_${i}.pb`); i++) {
    const tensor = fromBinary(TensorProtoSchema, await readFile(`${folder}/test_data_set_0/${what}_${i}.pb`));
    const shape = tensor.dims.map(Number);
    if (tensor.dataType === 7) {
      const whole = wholeNumbersOf(tensor);
      if (typeof whole === "string") throw new Error(whole);
      found.push({ type: "int64", shape, data: BigInt64Array.from(whole.data, BigInt) });
      continue;
    }
    const numbers = numbersOf(tensor);
    if (typeof numbers === "string") throw new Error(numbers);
    found.push({ type: numbers.dtype, shape, data: numbers.data });
  }
  return found;
}

/** The names of a model's inputs except for initialisers. */
function inputsOf(bytes: Uint8Array): string[] {
  const { graph } = parseModel(bytes);
  const stored = new Set(graph.initializer.map(({ name }) => name));
  return graph.input.flatMap(({ name }) => (stored.has(name) ? [] : [name]));
}

async function feedsOf({ folder, bytes }: Stored): Promise<Map<string, Tensor>> {
  const tensors = await tensorsOf(folder, "input");
  return new Map(inputsOf(bytes).map((name, i) => [name, tensors[i] as Tensor]));
}

describe.skipIf(missing)("ONNX's stored tests (needs libonnx-testdata)", () => {
  test("networks of operator sets 1 to 6, rewritten, give what ONNX stored", { timeout: 120_000 }, async () => {
    let count = 0;
    for await (const stored of storedIn(["pytorch-converted", "pytorch-operator", "simple"])) {
      const model = parseModel(stored.bytes);
      if (opsetOf(model) >= 7) continue;
      expect([stored.name, [...upgrade(model).values()]]).toEqual([stored.name, []]);
      const loaded = await runtime.load(toBinary(ModelProtoSchema, model));
      const outputs = await loaded.run(await feedsOf(stored));
      await loaded.release();
      const expected = await tensorsOf(stored.folder, "output");
      for (const [i, { name }] of model.graph.output.entries()) {
        const [got, wanted] = [outputs.get(name), expected[i]];
        expect([stored.name, got?.shape]).toEqual([stored.name, wanted?.shape]);
        const numbers = Array.from(wanted?.data as Float32Array, Number);
        const off = Array.from(got?.data as Float32Array, Number).findIndex((value, k) => {
          const right = numbers[k] as number;
          return !(Object.is(value, right) || Math.abs(value - right) <= ATOL + RTOL * Math.abs(right));
        });
        expect([stored.name, name, off]).toEqual([stored.name, name, -1]);
      }
      count++;
    }
    expect(count).toBeGreaterThan(80);
  });

  test("every normalization in them is compared, and agrees", { timeout: 120_000 }, async () => {
    await using cpu = await createCpu();
    let count = 0;
    for await (const stored of storedIn(["pytorch-converted", "pytorch-operator", "simple"])) {
      if (!parseModel(stored.bytes).graph.node.some(({ opType }) => /^(Batch|Instance)Norm/.test(opType))) continue;
      const { rows } = await verifyModel(stored.bytes, [cpu], {
        runtime,
        feeds: Object.fromEntries(await feedsOf(stored)),
      });
      const found = rows.map(({ backends, onnxRuntime, reason }) => [
        backends[0]?.status,
        (onnxRuntime?.ratio ?? 2) <= 1,
        reason,
      ]);
      expect([stored.name, ...found]).toEqual([stored.name, ...rows.map(() => ["passed", true, ""])]);
      count += rows.length;
    }
    expect(count).toBeGreaterThan(5);
  });
});
