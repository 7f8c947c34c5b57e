import { random } from "@bn/conformance";
import { createCpu } from "@bn/cpu";
import type { ModelProto } from "onnx-buf";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { valueInfo } from "../src/graph/encode.ts";
import { parseModel } from "../src/graph/proto.ts";
import { buildModel, importModel } from "../src/index.ts";
import { createRuntime, onnxRuntimeMissing, runModel, type VerifyOptions, verifyModel } from "../src/verify/index.ts";
import { planInputs } from "../src/verify/inputs.ts";
import { sizesIn } from "../src/verify/open-sizes.ts";
import { altered, NODE, record } from "./network.ts";
import { paddle } from "./paddle.ts";

async function thrown(bytes: Uint8Array, options: VerifyOptions = {}): Promise<string> {
  await using cpu = await createCpu();
  return verifyModel(bytes, [cpu], options).then(
    () => "nothing",
    ({ code, message }) => `${code}: ${message.replace(/(ONNX Runtime does not \w+ the model: ).*/, "$1(its words)")}`,
  );
}

const drop = (model: ModelProto, name: string) => {
  if (model.graph) model.graph.initializer = model.graph.initializer.filter((tensor) => tensor.name !== name);
};

describe("models that cannot be verified are refused with node, tensor and cure", () => {
  test.each<[string, Uint8Array]>([
    ["empty", new Uint8Array()],
    ["text", new TextEncoder().encode("<!DOCTYPE html>")],
    ["no BatchNormalization", altered((_, node) => Object.assign(node, { opType: "Relu", input: ["X"] }))],
    ["no operator set", altered((model) => Object.assign(model, { opsetImport: [] }))],
    ["a missing initialiser", altered((model) => drop(model, "var"))],
    ["four inputs", altered((_, node) => node.input.pop())],
    ["a short mean", altered((model) => Object.assign(model.graph?.initializer[2] ?? {}, { dims: [2n] }))],
    ["a mean with two axes", altered((model) => Object.assign(model.graph?.initializer[2] ?? {}, { dims: [3n, 1n] }))],
    ["negative epsilon", altered((_, node) => Object.assign(node.attribute[0] ?? {}, { f: -1 }))],
    [
      "data elsewhere",
      altered((model) => Object.assign(model.graph?.initializer[0] ?? {}, { dataLocation: 1, externalData: [] })),
    ],
    [
      "short data",
      altered((model) => Object.assign(model.graph?.initializer[0] ?? {}, { rawData: new Uint8Array(8) })),
    ],
    ["gigantic input", buildModel(record(NODE), { shape: [2 ** 20, 3, 2 ** 20, 7] })],
    [
      "unknown operator before it",
      altered(({ graph }, node) => {
        graph?.node.unshift({ ...node, opType: "Nonsense", name: "odd", input: ["X"], output: ["o"] });
        node.input[0] = "o";
      }),
    ],
  ])("%s", async (_, bytes) => {
    expect(await thrown(bytes)).toMatchSnapshot();
  });

  test.each<[string, VerifyOptions["shapes"]]>([
    ["unknown input", { data: [1, 3, 4, 4] }],
    ["wrong rank", { X: [1, 3, 4] }],
    ["wrong channels", { X: [1, 4, 4, 4] }],
    ["no size", { X: [1, 3, 0, 4] }],
  ])("shapes: %s", async (_, shapes) => {
    const bytes = buildModel(record(NODE));
    expect(await thrown(bytes, { shapes: shapes ?? {} })).toMatchSnapshot();
  });
});

// One runtime for all tests: if a model ends its process, the next model gets a new one.
const runtime = createRuntime({ timeout: 10, memory: 2 ** 31 });
afterAll(() => runtime[Symbol.asyncDispose]());

/**
 * The only allowed outcomes are a BnError, or rows in which float64 agrees: both sides read the same weights, whatever
 * they have become.
 */
async function survives(bytes: Uint8Array): Promise<"refused" | "verified"> {
  await using cpu = await createCpu();
  try {
    const { rows } = await verifyModel(bytes, [cpu], { runtime });
    for (const row of rows) expect(row.backends[0]?.status, row.node).not.toBe("failed");
    return "verified";
  } catch (error) {
    if ((error as { name: string }).name !== "BnError") throw error;
    expect(["ERR_BN_DATA"]).toContain((error as { code: string }).code);
    return "refused";
  }
}

test("every truncation of a small model is refused", async () => {
  const bytes = buildModel(record(NODE));
  for (let length = 0; length < bytes.length; length++)
    expect(await survives(bytes.slice(0, length)), `${length} bytes`).toBe("refused");
});

test("truncations of a real network are refused", async () => {
  const bytes = await paddle("ch_ppocr_mobile_v2.0_cls_infer");
  for (let i = 0; i < 60; i++)
    expect(await survives(bytes.slice(0, Math.floor((bytes.length * i) / 60)))).toBe("refused");
});

test("flipped bits of a small model end in an error or in a right result", async () => {
  const bytes = buildModel(record(NODE), { shape: [2, 3, 4, 5] });
  const { integer } = random("flips");
  const outcomes = { refused: 0, verified: 0 };
  for (let i = 0; i < 300; i++) {
    const broken = bytes.slice();
    for (let k = integer(1, 3); k > 0; k--) {
      const at = integer(0, bytes.length - 1);
      broken[at] = (broken[at] ?? 0) ^ (1 << integer(0, 7));
    }
    outcomes[await survives(broken)]++;
  }
  expect(Math.min(outcomes.refused, outcomes.verified)).toBeGreaterThan(20);
});

test("flipped bits in the structure of a real network end in an error or in a right result", async () => {
  const bytes = await paddle("ch_ppocr_mobile_v2.0_cls_infer");
  const { integer } = random("network flips");
  for (let i = 0; i < 24; i++) {
    const broken = bytes.slice();
    const at = integer(0, bytes.length - 1);
    broken[at] = (broken[at] ?? 0) ^ (1 << integer(0, 7));
    await survives(broken);
  }
});

/** A field's body preceded by its length as a varint. */
function withLength(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = [];
  for (let rest = body.length; rest > 0; rest = Math.floor(rest / 128))
    head.push((rest % 128) | (rest > 127 ? 128 : 0));
  const field = new Uint8Array(head.length + body.length);
  field.set(head);
  field.set(body, head.length);
  return field;
}

/** A model whose graph, field 7, is `body`. */
function graphOf(body: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([Uint8Array.of(0x3a), withLength(body)]));
}

test.each<[string, number[]]>([
  ["empty nodes", [0x0a, 0]],
  ["empty attributes of a node", [0x0a, 2, 0x2a, 0]],
  ["unknown fields", [0xf8, 7, 0]],
])("a file full of %s is refused before it fills memory", async (_, unit) => {
  const body = new Uint8Array(12_000_000 * unit.length);
  for (let i = 0; i < body.length; i++) body[i] = unit[i % unit.length] ?? 0;
  const before = process.memoryUsage().heapUsed;
  expect(await thrown(graphOf(body))).toMatch(/^ERR_BN_DATA: .* would take more than 1073741824 decoded/);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(2 ** 28);
});

test("an initialiser of packed varints counts what they take as numbers", async () => {
  const varints = new Uint8Array(40_000_000);
  const bytes = altered((model) =>
    Object.assign(model.graph?.initializer[0] ?? {}, { $unknown: [{ no: 7, wireType: 2, data: withLength(varints) }] }),
  );
  expect(await thrown(bytes)).toMatch(/would take more than 1073741824 decoded/);
});

test("nodes that share a large tensor end in an error before they fill memory", async () => {
  const channels = 2 ** 20;
  const bytes = altered(({ graph }, node) => {
    for (const tensor of graph?.initializer ?? [])
      Object.assign(tensor, { dims: [BigInt(channels)], rawData: new Uint8Array(4 * channels) });
    for (let i = 0; i < 1000; i++) graph?.node.push({ ...node, name: `n${i}`, output: [`y${i}`] });
  });
  const before = process.memoryUsage().arrayBuffers;
  await expect(importModel(bytes)).rejects.toThrow(
    /"n15": with this node the model has 17825792 channels, expected at most 16777216/,
  );
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 29);
});

test("a hundred thousand inputs and nodes are planned in a moment, and not more than memory holds", async () => {
  const bytes = altered(({ graph }, node) => {
    for (let i = 0; i < 100_000; i++) {
      graph?.input.push(valueInfo(`x${i}`, 1, ["N", "", 1, 1]));
      graph?.node.push({ ...node, opType: "Conv", input: [`w${i}`, "scale"], output: [`y${i}`], attribute: [] });
    }
  });
  const model = parseModel(bytes);
  const started = performance.now();
  const plan = (size: number) => planInputs(model.graph.input, sizesIn(model), { shapes: new Map(), size });
  expect(plan(64).length).toBe(100_001);
  expect(performance.now() - started).toBeLessThan(10_000); // checking pairs of them would take minutes
  const fit = /input "x\d+" and the inputs before it have \d+ values, expected at most 134217728; pass smaller shapes/;
  expect(() => plan(4096)).toThrow(fit);
});

describe("without onnxruntime-node", () => {
  afterEach(() => vi.doUnmock("onnxruntime-node"));

  test("the error says what to install", async () => {
    expect(await onnxRuntimeMissing()).toBeNull();
    vi.doMock("onnxruntime-node", () => {
      throw new Error("Cannot find package");
    });
    const running = runModel(buildModel(record(NODE)), {});
    await expect(running).rejects.toMatchObject({
      code: "ERR_BN_UNAVAILABLE",
      message: expect.stringMatching(
        /^onnxruntime-node does not load .*npm install --ignore-scripts onnxruntime-node$/,
      ),
    });
    expect(await onnxRuntimeMissing()).toMatch(/npm install --ignore-scripts onnxruntime-node$/);
  });
});
