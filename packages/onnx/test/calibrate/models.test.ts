import { create, toBinary } from "@bufbuild/protobuf";
import { AttributeProtoSchema, ModelProtoSchema, type TensorProto, TensorProtoSchema } from "onnx-buf";
import { afterAll, describe, expect, it } from "vitest";
import { calibrateModel, calibrationOf, dataOf, inputPorts } from "../../src/calibrate/index.ts";
import { packNumbers } from "../../src/graph/float-types.ts";
import { batchNormOf, buildModel, importModel, OPSETS } from "../../src/index.ts";
import { createRuntime } from "../../src/verify/process.ts";
import { intAttribute, modelOf, netOf, nodeOf, normOf, tensorOf, valuesOf } from "../fold/net.ts";
import { altered, nested } from "../network.ts";

const runtime = createRuntime();
afterAll(() => runtime[Symbol.asyncDispose]());

/** Channels 1, 2, 3, 6 (mean 3, squares 14) and 0, 0, 4, 4 (mean 2, squares 16). */
const X = { type: "float32", shape: [4, 2], data: Float32Array.of(1, 0, 2, 0, 3, 4, 6, 4) };
const MEAN = [3, 2];
const VARIANCE = [14 / 3, 16 / 3].map(Math.fround);
const data = (name = "x") => dataOf({ [name]: X });
const batchNorm = (opset = 17) => {
  const { node, tensors } = normOf("bn", 2, 1);
  return netOf({ input: ["N", 2], nodes: [node("x", "y")], tensors, opset });
};
const error = (run: Promise<unknown>) => run.then(String, ({ code, message }) => `${code} ${message}`);

/** A model that was changed by hand. */
function edited(bytes: Uint8Array, edit: (model: ReturnType<typeof modelOf>) => void): Uint8Array {
  const model = modelOf(bytes);
  edit(model);
  return toBinary(ModelProtoSchema, model);
}

describe("every form of the operator", () => {
  it.each([...OPSETS, 8, 13, 17, 18, 21, 22])("operator set %i", async (opset) => {
    const one = new Float32Array([1, 1]);
    const known = OPSETS.find((version) => version === opset);
    const bytes = known
      ? buildModel(batchNormOf([one, one, [1], one, one]), { shape: [4, 2], opset: known })
      : batchNorm(opset);
    const name = inputPorts(bytes)[0]?.name ?? "";
    for (const mode of ["batch", "exact"] as const) {
      const out = await calibrateModel(bytes, data(name), { runtime, mode });
      const { mean, variance } = (await importModel(out.bytes)).layers[0]?.statistics ?? {};
      expect([Array.from(mean ?? []), Array.from(variance ?? [])]).toEqual([MEAN, VARIANCE]);
    }
  });

  it("spatial 0: statistics per position, over the samples", async () => {
    const { tensors, node } = normOf("bn", 2, 1);
    const wide = tensors.map(({ name, rawData }) =>
      tensorOf(name, [1, 2], new Float32Array(Uint8Array.from(rawData).buffer)),
    );
    const nodes = [Object.assign(node("x", "y"), { attribute: [intAttribute("spatial", 0)] })];
    const bytes = netOf({ input: ["N", 1, 2], nodes, tensors: wide, opset: 7, irVersion: 3 });
    const { rows, bytes: out } = await calibrateModel(bytes, dataOf({ x: { ...X, shape: [4, 1, 2] } }), { runtime });
    expect(rows[0]).toMatchObject({ status: "recalibrated", count: 4, channels: 2 });
    expect([valuesOf(out, "bn.mean"), valuesOf(out, "bn.var")]).toEqual([MEAN, VARIANCE]);
  });

  it.each([
    ["float16", 10, 14 / 3, 4.66796875],
    ["bfloat16", 16, 14 / 3, 4.65625],
  ] as const)("%s: rounded once", async (type, dataType, exact, rounded) => {
    const bytes = edited(batchNorm(15), ({ graph }) => {
      for (const tensor of graph.initializer) {
        const values = new Float32Array(Uint8Array.from(tensor.rawData).buffer);
        Object.assign(tensor, { dataType, rawData: packNumbers(dataType, values) });
      }
      for (const { type } of [...graph.input, ...graph.output]) {
        if (type?.value.case === "tensorType") type.value.value.elemType = dataType;
      }
    });
    const given =
      type === "float16"
        ? { ...X, type, data: Uint16Array.of(0x3c00, 0, 0x4000, 0, 0x4200, 0x4400, 0x4600, 0x4400) }
        : X;
    const out = await calibrateModel(bytes, dataOf({ x: given }), { runtime, mode: "exact" });
    expect(valuesOf(out.bytes, "bn.mean")).toEqual(MEAN);
    expect(valuesOf(out.bytes, "bn.var")[0]).toBe(rounded);
    expect(Math.abs(rounded - exact)).toBeLessThan(0.02);
  });

  it("a variance beyond the range of its type is refused", async () => {
    const bytes = edited(batchNorm(15), ({ graph }) => {
      for (const tensor of graph.initializer.slice(2)) {
        Object.assign(tensor, { dataType: 10, rawData: packNumbers(10, [1, 1]) });
      }
    });
    const large = dataOf({ x: { ...X, data: X.data.map((value) => value * 1000) } });
    expect(await error(calibrateModel(bytes, large, { runtime, mode: "exact" }))).toMatch(
      /^ERR_BN_DATA BatchNormalization "bn": the variance of channel 0 is 46666\d+.*beyond the range of float16/,
    );
  });
});

describe("where statistics are kept", () => {
  it("Constant nodes stay Constant nodes", async () => {
    const bytes = edited(batchNorm(), ({ graph }) => {
      const held = graph.initializer.splice(2);
      const nodes = held.map((t) =>
        Object.assign(nodeOf("Constant", `c.${t.name}`, [], [t.name]), {
          attribute: [create(AttributeProtoSchema, { name: "value", type: 4, t })],
        }),
      );
      graph.node = [...nodes, ...graph.node] as typeof graph.node;
    });
    const { bytes: out } = await calibrateModel(bytes, data(), { runtime });
    expect(modelOf(out).graph.node.map(({ opType }) => opType)).toEqual(["Constant", "Constant", "BatchNormalization"]);
    expect(Array.from((await importModel(out)).layers[0]?.statistics.mean ?? [])).toEqual(MEAN);
  });

  it("nodes that share tensors get their own, and the row says so", async () => {
    const { node, tensors } = normOf("bn", 2, 1);
    const second = Object.assign(node("h", "y"), { name: "again" });
    const bytes = netOf({
      input: ["N", 2],
      nodes: [node("x", "z"), nodeOf("Abs", "abs", ["z"], ["h"]), second],
      tensors,
    });
    const { rows, bytes: out } = await calibrateModel(bytes, data(), { runtime, mode: "exact" });
    expect(rows.map(({ shared }) => shared)).toEqual([["again"], ["bn"]]);
    expect(modelOf(out).graph.initializer.map(({ name }) => name)).not.toContain("bn.mean");
    const { layers } = await importModel(out);
    expect(Array.from(layers[0]?.statistics.mean ?? [])).toEqual(MEAN);
    expect(Array.from(layers[1]?.statistics.mean ?? [])).not.toEqual(MEAN);
    expect(Array.from(layers[1]?.gamma ?? [])).toEqual(Array.from(layers[0]?.gamma ?? []));
  });

  it("a tensor that is also an output, an addend or an Identity keeps its values", async () => {
    const { node, tensors } = normOf("bn", 2, 1);
    const [, , mean, variance] = tensors as [TensorProto, TensorProto, TensorProto, TensorProto];
    const other = Object.assign(node("x", "z"), { input: ["x", "bn.scale", "bn.bias", "copy", "bn.var"] });
    const nodes = [
      nodeOf("Identity", "id", [mean.name], ["copy"]),
      other,
      nodeOf("Add", "add", ["z", variance.name], ["y"]),
    ];
    const bytes = netOf({ input: ["N", 2], nodes, tensors, outputs: ["y", "copy"], irVersion: 3, opset: 8 });
    const { rows, bytes: out } = await calibrateModel(bytes, data(), { runtime });
    expect(rows[0]?.shared).toEqual(["add"]);
    for (const { name } of [mean, variance]) expect(valuesOf(out, name)).toEqual(valuesOf(bytes, name));
    const { statistics } = (await importModel(out)).layers[0] ?? {};
    expect([Array.from(statistics?.mean ?? []), Array.from(statistics?.variance ?? [])]).toEqual([MEAN, VARIANCE]);
  });

  it("sparse tensors become dense", async () => {
    const bytes = edited(batchNorm(), ({ graph }) => {
      const mean = graph.initializer.find(({ name }) => name === "bn.mean");
      graph.initializer = graph.initializer.filter((one) => one !== mean);
      const values = create(TensorProtoSchema, { name: "bn.mean", dataType: 1, dims: [1n], floatData: [5] });
      const indices = create(TensorProtoSchema, { dataType: 7, dims: [1n], int64Data: [1n] });
      graph.sparseInitializer.push({
        $typeName: "onnx.SparseTensorProto",
        values,
        indices,
        dims: [2n],
      } as (typeof graph.sparseInitializer)[number]);
    });
    const { bytes: out } = await calibrateModel(bytes, data(), { runtime });
    expect(Array.from((await importModel(out)).layers[0]?.statistics.mean ?? [])).toEqual(MEAN);
  });
});

describe("what is left, and why", () => {
  const left = async (bytes: Uint8Array, options = {}) => {
    const out = await calibrateModel(bytes, data(inputPorts(bytes)[0]?.name), { runtime, ...options });
    return out.rows.map(({ status, reason }) => `${status} ${reason}`);
  };

  it("nodes in training mode", async () => {
    const one = new Float32Array([1, 1]);
    const bytes = buildModel(batchNormOf([one, one, [1], one, one]), { shape: [4, 2], training: true });
    expect(await left(bytes)).toEqual([
      "left is in training mode: it uses the statistics of each batch, not stored ones",
    ]);
    expect((await calibrateModel(bytes, data("X"), { runtime })).bytes).toBe(bytes);
  });

  it("nodes in branches, damaged nodes, computed statistics, and nodes that were not asked for", async () => {
    const rows = (bytes: Uint8Array, nodes = () => true) => calibrationOf(bytes, { nodes }).run(data(), { runtime });
    const branches = await rows(nested(false));
    expect(branches.rows.map(({ reason }) => reason.split(":")[0])).toEqual([
      'lies in If node "choice", then_branch, which may run any number of times per batch; inline it',
      'lies in If node "choice", else_branch, which may run any number of times per batch; inline it',
    ]);
    const damaged = await rows(altered((_, node) => node.input.pop()));
    expect(damaged.rows[0]?.reason).toMatch(/^is damaged: 4 inputs, expected 5/);
    const { node, tensors } = normOf("bn", 2, 1);
    const computed = netOf({
      input: ["N", 2],
      nodes: [
        nodeOf("Abs", "abs", ["bn.mean"], ["m"]),
        Object.assign(node("x", "y"), { input: ["x", "bn.scale", "bn.bias", "m", "bn.var"] }),
      ],
      tensors,
    });
    expect((await rows(computed)).rows[0]?.reason).toMatch(/^mean, tensor "m", is computed, by Abs/);
    expect((await rows(batchNorm(), () => false)).rows[0]?.reason).toBe("was not chosen: it keeps its statistics");
  });

  it("a model without any gives no rows", async () => {
    const bytes = netOf({
      input: ["N", 2],
      nodes: [nodeOf("Abs", "abs", ["x"], ["y"])],
      tensors: [tensorOf("unused", [1], new Float32Array(1))],
    });
    expect(await calibrateModel(bytes, data(), { runtime })).toEqual({ bytes, rows: [] });
  });
});

describe("what cannot be calibrated is an error that names it", () => {
  it("one value per channel in all, or in a batch that is normalised by its own", async () => {
    const one = dataOf({ x: { type: "float32", shape: [1, 2], data: Float32Array.of(1, 2) } });
    expect(await error(calibrateModel(batchNorm(), one, { runtime, mode: "exact" }))).toContain(
      'ERR_BN_DATA BatchNormalization "bn": 1 value per channel in all the data, and the unbiased variance needs at least 2',
    );
    expect(await error(calibrateModel(batchNorm(), data(), { runtime, batch: 1 }))).toContain(
      "batch 0 has one value per channel",
    );
    expect(await error(calibrateModel(batchNorm(), one, { runtime }))).toContain("is 0; give more samples");
    let batches = 0;
    const last = calibrateModel(batchNorm(), data(), { runtime, batch: 3, onBatch: () => void batches++ });
    expect(await error(last)).toContain('"bn": the last batch, of 1, has one value per channel, so its variance is 0');
    expect(batches).toBe(0); // the error comes before the data has been read
    const exact = await calibrateModel(batchNorm(), data(), { runtime, batch: 1, mode: "exact" });
    expect(valuesOf(exact.bytes, "bn.var")).toEqual(VARIANCE);
  });

  it("a network that gives NaN", async () => {
    const { node, tensors } = normOf("bn", 2, 1);
    const bytes = netOf({ input: ["N", 2], nodes: [nodeOf("Log", "log", ["x"], ["h"]), node("h", "y")], tensors });
    expect(await error(calibrateModel(bytes, data(), { runtime }))).toMatch(
      /^ERR_BN_DATA BatchNormalization "bn": its input has no finite mean and variance in channel 1, batch 0/,
    );
  });

  it("batches that the model does not take, and other options", async () => {
    const fixed = netOf({
      input: [2, 2],
      nodes: [normOf("bn", 2, 1).node("x", "y")],
      tensors: normOf("bn", 2, 1).tensors,
    });
    expect(await error(calibrateModel(fixed, data(), { runtime, batch: 4 }))).toContain(
      "ERR_BN_PARAM batch is 4, and the model has the fixed batch size 2",
    );
    expect((await calibrateModel(fixed, data(), { runtime })).rows[0]?.count).toBe(4);
    const three = dataOf({ x: { type: "float32", shape: [3, 2], data: new Float32Array(6) } });
    expect(await error(calibrateModel(fixed, three, { runtime }))).toContain("3 samples are not a multiple of 2");
    expect(await error(calibrateModel(fixed, data(), { runtime, batch: 0 }))).toContain("batch is 0");
    expect(await error(calibrateModel(fixed, data(), { runtime, mode: "fast" as "exact" }))).toContain(
      "mode is fast, expected batch or exact",
    );
    expect(await error(calibrateModel(fixed, data("z"), { runtime }))).toContain(
      'ERR_BN_DATA the data for input "x" is missing; there are data for z',
    );
    const wide = dataOf({ x: { type: "float32", shape: [2, 3], data: new Float32Array(6) } });
    expect(await error(calibrateModel(batchNorm(), wide, { runtime }))).toContain(
      'the data for input "x" has shape [2,3], input "x" takes [n,2]',
    );
  });

  it("unsorted nodes", async () => {
    const { node, tensors } = normOf("bn", 2, 1);
    const bytes = netOf({ input: ["N", 2], nodes: [node("h", "y"), nodeOf("Abs", "abs", ["x"], ["h"])], tensors });
    expect(await error(calibrateModel(bytes, data(), { runtime }))).toContain(
      'node "bn" reads "h", which a later node computes',
    );
  });
});

it("says which channels are constant, and how far statistics moved", async () => {
  const constant = dataOf({
    x: { type: "float32", shape: [4, 2], data: Float32Array.of(1, 0.1, 2, 0.1, 3, 0.1, 6, 0.1) },
  });
  const one = new Float32Array([1, 1]);
  const bytes = buildModel(batchNormOf([one, one, [1], one, one], { eps: 0 }), { shape: ["N", 2] });
  const { rows } = await calibrateModel(
    bytes,
    dataOf({ X: { ...X, data: (await constant.read(0, 4))?.get("x")?.data } }),
    { runtime, mode: "exact" },
  );
  expect(rows[0]).toMatchObject({ constant: 1, count: 4, channels: 2 });
  expect(rows[0]?.ratio).toEqual({ least: 0, median: VARIANCE[0], most: VARIANCE[0] });
  expect(rows[0]?.shift?.most).toBeCloseTo(2 / Math.sqrt(14 / 3), 6);
});

it("inputs on which no BatchNormalization depends need no data", async () => {
  const { node, tensors } = normOf("bn", 2, 1);
  const bytes = edited(
    netOf({ input: ["N", 2], nodes: [node("x", "z"), nodeOf("Mul", "mul", ["z", "factor"], ["y"])], tensors }),
    ({ graph }) => {
      graph.input.push({ ...(graph.input[0] as (typeof graph.input)[number]), name: "factor" });
    },
  );
  expect(calibrationOf(bytes).ports.map(({ name }) => name)).toEqual(["x"]);
  expect((await calibrateModel(bytes, data(), { runtime })).rows[0]?.status).toBe("recalibrated");
});
