import { loadStatistics } from "@bn/core";
import { toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, type TensorProto } from "onnx-buf";
import { beforeAll, describe, expect, it } from "vitest";
import {
  type CalibrationData,
  type CalibrationPart,
  calibrateModel,
  calibrationOf,
  dataOf,
} from "../../src/calibrate/index.ts";
import { instrument } from "../../src/calibrate/instrument.ts";
import { subjectOf } from "../../src/calibrate/subject.ts";
import { parseModel } from "../../src/graph/proto.ts";
import { batchNormOf, buildModel, importModel } from "../../src/index.ts";
import { createExtractor } from "../../src/verify/extract.ts";
import { prepare } from "../../src/verify/prepare.ts";
import { createRuntime } from "../../src/verify/process.ts";
import type { Tensor } from "../../src/verify/runtime.ts";
import { modelOf, randoms } from "../fold/net.ts";
import { paddle } from "../paddle.ts";
import { boundOf, channelOf, truthOf, V } from "./truth.ts";

const U = 2 ** -24;
/** Half of float32's smallest subnormal number. */
const ETA = 2 ** -150;
const SAMPLES = 5;
const BATCH = 2;

let network: Uint8Array;
let data: CalibrationData;

beforeAll(async () => {
  network = await paddle("ch_ppocr_mobile_v2.0_cls_infer");
  const shape = [SAMPLES, 3, 32, 32];
  const values = randoms(5)(
    shape.reduce((a, b) => a * b, 1),
    1,
    0.3,
  );
  data = dataOf({ x: { type: "float32", shape, data: values } });
});

/** A model's tensors by name: initialisers, and the values of Constant nodes. */
function tensorsOf({ graph }: ReturnType<typeof modelOf>): Map<string, TensorProto> {
  const constants = graph.node.flatMap(({ opType, output, attribute }) => {
    const value = opType === "Constant" ? attribute.find(({ name }) => name === "value")?.t : undefined;
    return value ? [[output[0] ?? "", value] as const] : [];
  });
  return new Map([...graph.initializer.map((tensor) => [tensor.name, tensor] as const), ...constants]);
}

/** The input of every node, batch by batch. The nodes normalize by stored statistics, or by those of each batch. */
async function recorded(bytes: Uint8Array, own: boolean): Promise<ReadonlyMap<string, Tensor[]>> {
  const subject = subjectOf(bytes, {});
  const model = parseModel(bytes);
  const failures = prepare(model);
  const run = own ? instrument(model, subject.nodes, () => ({ kind: "measured", own: true })).model : model;
  const part = await createExtractor(run, undefined, failures).extract(
    subject.nodes.map(({ x }) => ({ name: x, as: "value" })),
  );
  await using runtime = createRuntime();
  const loaded = await runtime.load(part.bytes);
  const found = new Map<string, Tensor[]>(subject.nodes.map(({ name }) => [name, []]));
  for (let first = 0; first < SAMPLES; first += BATCH) {
    const outputs = await loaded.run((await data.read(first, BATCH)) ?? new Map());
    for (const { name, x } of subject.nodes) found.get(name)?.push(outputs.get(x) as Tensor);
  }
  return found;
}

/** The largest error of stored statistics, as a fraction of its bound. */
async function worstOf(bytes: Uint8Array, activations: ReadonlyMap<string, Tensor[]>): Promise<number> {
  let worst = 0;
  for (const { name, channels, statistics } of (await importModel(bytes)).layers) {
    const tensors = activations.get(name) as Tensor[];
    const terms = Math.max(
      ...tensors.map(({ shape }) => shape.reduce((a, b) => a * b, 1) / channels / (shape[0] ?? 1) + (shape[0] ?? 1)),
    );
    for (let c = 0; c < channels; c++) {
      const truth = truthOf(tensors.map(({ data, shape }) => channelOf(data as Float32Array, shape, c)));
      const bound = boundOf(truth, tensors.length, terms);
      const unbiased = truth.m2 / (truth.count - 1);
      const mean = Math.abs((statistics.mean[c] as number) - truth.mean);
      const variance = Math.abs((statistics.variance[c] as number) - unbiased);
      worst = Math.max(worst, mean / (bound.mean + U * Math.abs(truth.mean) + ETA));
      worst = Math.max(worst, variance / ((bound.variance * truth.count) / (truth.count - 1) + U * unbiased + ETA));
    }
  }
  return worst;
}

describe("PaddleOCR's classifier, 35 nodes (M-3)", () => {
  it("mode exact: statistics of what the new network's nodes read", { timeout: 60_000 }, async () => {
    const { bytes, rows } = await calibrateModel(network, data, { batch: BATCH, mode: "exact" });
    expect(rows.filter(({ status }) => status === "recalibrated")).toHaveLength(35);
    const worst = await worstOf(bytes, await recorded(bytes, false));
    expect(worst).toBeGreaterThan(0.5); // this is the error of rounding to float32
    expect(worst).toBeLessThanOrEqual(1);
  });

  it("mode batch: statistics of what nodes read where each batch is normalised by its own", {
    timeout: 60_000,
  }, async () => {
    const { bytes } = await calibrateModel(network, data, { batch: BATCH });
    expect(await worstOf(bytes, await recorded(network, true))).toBeLessThanOrEqual(1);
  });

  it("do not depend on what was stored: spoilt statistics give the same bytes", { timeout: 60_000 }, async () => {
    const spoilt = modelOf(network);
    const tensors = tensorsOf(spoilt);
    for (const { opType, input } of spoilt.graph.node) {
      for (const name of opType === "BatchNormalization" ? input.slice(3) : []) {
        const tensor = tensors.get(name) as TensorProto;
        const values = new Float32Array(Uint8Array.from(tensor.rawData).buffer);
        tensor.rawData = new Uint8Array(values.map((value, i) => (value + 3) * (1 + (i % 7))).buffer);
      }
    }
    const bytes = toBinary(ModelProtoSchema, spoilt);
    expect(Buffer.compare(bytes, network)).not.toBe(0);
    for (const mode of ["batch", "exact"] as const) {
      const whole = await calibrateModel(network, data, { batch: BATCH, mode });
      const mended = await calibrateModel(bytes, data, { batch: BATCH, mode });
      expect(Buffer.compare(mended.bytes, whole.bytes)).toBe(0);
      expect(Math.abs(mended.rows[3]?.ratio?.median ?? 1)).toBeLessThan(Math.abs(whole.rows[3]?.ratio?.median ?? 0));
    }
  });

  it("leaves everything else as it was", async () => {
    const { bytes } = await calibrateModel(network, data, { batch: BATCH, nodes: (name) => name.endsWith(".7") });
    const [before, after] = [modelOf(network), modelOf(bytes)];
    const held = tensorsOf(before);
    const changed = [...tensorsOf(after)].filter(([name, { rawData }]) => {
      return Buffer.compare(rawData, (held.get(name) as TensorProto).rawData) !== 0;
    });
    const node = before.graph.node.find(({ name }) => name.endsWith("BatchNormalization.7"));
    expect(changed.map(([name]) => name).sort()).toEqual(node?.input.slice(3).sort());
    for (const [name, tensor] of changed) tensor.rawData = (held.get(name) as TensorProto).rawData;
    expect(Buffer.compare(toBinary(ModelProtoSchema, after), toBinary(ModelProtoSchema, before))).toBe(0);
  });
});

describe("two layers in float64", () => {
  const one = (value: number) => new Float64Array([value, value]);
  const layer = () => batchNormOf([one(0.1), one(3), [1], one(1.5), one(0.5)], { eps: 0.25 });
  const bytes = buildModel([layer(), layer()], { shape: ["N", 2, "L"] });
  const [n, length, batch] = [10, 5, 4];
  const values = Float64Array.from(randoms(3)(n * 2 * length, 2, 1));
  const at = (i: number, c: number, l: number) => values[(i * 2 + c) * length + l] as number;

  /** The input of the second layer, batch by batch: the output of the first one with the batch's own statistics. */
  function secondReads(c: number): Float64Array[] {
    const batches: Float64Array[] = [];
    for (let first = 0; first < n; first += batch) {
      const own = Math.min(batch, n - first);
      const x = Float64Array.from({ length: own * length }, (_, i) =>
        at(first + Math.floor(i / length), c, i % length),
      );
      const { mean, m2, count } = truthOf([x]);
      batches.push(x.map((value) => ((value - mean) / Math.sqrt(m2 / count + 0.25)) * 1.5 + 0.5));
    }
    return batches;
  }

  it("mode batch normalises each batch by its own statistics, as training does", async () => {
    const given = dataOf({ X: { type: "float64", shape: [n, 2, length], data: values } });
    const part = await calibrationOf(bytes).part(given, { index: 1, count: 1 }, { batch });
    const second = loadStatistics((part.statistics[1] as CalibrationPart["statistics"][number]).state);
    for (const c of [0, 1]) {
      const truth = truthOf(secondReads(c));
      const bound = boundOf(truth, 3, batch + length);
      // Each y has some thirty roundings of terms no larger than 1 + |y| + |x| / std, on either side.
      const y = 2 * 30 * V * (1 + truth.largest + 8);
      expect(Math.abs((second.mean()[c] as number) - truth.mean)).toBeLessThanOrEqual(bound.mean + y);
      const root = Math.sqrt(truth.m2 / truth.count);
      expect(Math.abs((second.variance()[c] as number) - truth.m2 / truth.count)).toBeLessThanOrEqual(
        bound.variance + 2 * root * y + y * y,
      );
    }
    expect(second.count).toBe(n * length);
  });

  it("writes the unbiased variance", async () => {
    const given = dataOf({ X: { type: "float64", shape: [n, 2, length], data: values } });
    const { bytes: out } = await calibrateModel(bytes, given, { batch });
    const { statistics } = (await importModel(out)).layers[0] as {
      statistics: { mean: Float64Array; variance: Float64Array };
    };
    for (const c of [0, 1]) {
      const all = Float64Array.from({ length: n * length }, (_, i) => at(Math.floor(i / length), c, i % length));
      const truth = truthOf([all]);
      const bound = boundOf(truth, 3, batch + length);
      expect(Math.abs((statistics.mean[c] as number) - truth.mean)).toBeLessThanOrEqual(bound.mean);
      const factor = truth.count / (truth.count - 1);
      expect(Math.abs((statistics.variance[c] as number) - truth.m2 / (truth.count - 1))).toBeLessThanOrEqual(
        factor * bound.variance,
      );
    }
  });
});
