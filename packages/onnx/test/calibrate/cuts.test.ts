import { afterAll, describe, expect, it } from "vitest";
import {
  type CalibrationPart,
  type CalibrationProgress,
  calibrateModel,
  calibrationOf,
  type DataPort,
  dataOf,
  decodePart,
  encodePart,
  streamData,
} from "../../src/calibrate/index.ts";
import { createRuntime } from "../../src/verify/process.ts";
import { modelOf, netOf, nodeOf, normOf, randoms, tensorOf } from "../fold/net.ts";
import { npy } from "./npy.ts";

/** x - conv - bn1 - relu - bn2 - y, and bn3 beside bn2. */
const [one, two, three] = [normOf("bn1", 4, 1), normOf("bn2", 4, 2), normOf("bn3", 4, 3)];
const network = netOf({
  input: ["N", 3, 5, 5],
  nodes: [
    nodeOf("Conv", "conv", ["x", "w"], ["c"]),
    one.node("c", "n1"),
    nodeOf("Relu", "relu", ["n1"], ["r"]),
    two.node("r", "y2"),
    three.node("r", "y3"),
    nodeOf("Add", "add", ["y2", "y3"], ["y"]),
  ],
  tensors: [tensorOf("w", [4, 3, 3, 3], randoms(9)(108)), ...one.tensors, ...two.tensors, ...three.tensors],
});
const [samples, batch] = [47, 4];
const values = randoms(7)(samples * 75, 1, 0.5);
const data = dataOf({ x: { type: "float32", shape: [samples, 3, 5, 5], data: values } });
const runtime = createRuntime();
afterAll(() => runtime[Symbol.asyncDispose]());
const options = { batch, runtime };

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
/** Encodes and decodes the part, as the command does with files. */
const carried = (part: CalibrationPart) => decodePart(encodePart(part), "a part");

describe("the result does not depend on how the work was cut (M-2)", () => {
  it.each([1, 3, 7, 12, 20])("%i shards, merged in any order", async (count) => {
    const whole = await calibrateModel(network, data, options);
    const { part, merge } = calibrationOf(network);
    const parts = [];
    for (let index = count; index >= 1; index--) {
      parts.push({ name: `part ${index}`, part: carried(await part(data, { index, count }, options)) });
    }
    expect(parts.reduce((sum, one) => sum + one.part.batches, 0)).toBe(12);
    const merged = await merge(parts);
    expect(same(merged.bytes, whole.bytes)).toBe(true);
    expect(merged.rows).toEqual(whole.rows);
  });

  it.each(["batch", "exact"] as const)("mode %s, interrupted after each batch", async (mode) => {
    const whole = await calibrateModel(network, data, { ...options, mode });
    let from: CalibrationPart | null = null;
    let steps = 0;
    for (;;) {
      const seen: CalibrationProgress[] = [];
      const abort = new AbortController();
      const onBatch = (now: CalibrationProgress) => {
        seen.push(now);
        abort.abort(new Error("enough"));
      };
      const run = calibrateModel(network, data, { ...options, mode, from, onBatch, signal: abort.signal });
      const ended = await run.catch(String);
      if (typeof ended !== "string") {
        expect(same(ended.bytes, whole.bytes)).toBe(true);
        break;
      }
      expect(ended).toBe("Error: enough");
      const last = seen.at(-1);
      if (!last) throw new Error("it ended before a batch was done");
      from = carried(last.part());
      steps += 1;
    }
    expect(steps).toBe(mode === "batch" ? 11 : 23); // the last batch ends the pass
  });

  it("a stream goes on where it was, if it is the same so far", async () => {
    const port: DataPort = { name: "x", type: "float32", shape: null };
    async function* stream(first = 0) {
      yield npy([20, 3, 5, 5], values.map((value) => value + first).subarray(0, 20 * 75));
      yield npy([27, 3, 5, 5], values.subarray(20 * 75));
    }
    const whole = await calibrateModel(network, data, options);
    let from: CalibrationPart | undefined;
    const abort = new AbortController();
    const onBatch = (now: CalibrationProgress) => {
      expect(now.total).toBeNull();
      if (now.done < 7) return;
      from = carried(now.part());
      abort.abort();
    };
    await expect(
      calibrateModel(network, streamData(stream(), port), { ...options, onBatch, signal: abort.signal }),
    ).rejects.toThrow();
    const ended = await calibrateModel(network, streamData(stream(), port), { ...options, from });
    expect(same(ended.bytes, whole.bytes)).toBe(true);
    await expect(calibrateModel(network, streamData(stream(1), port), { ...options, from })).rejects.toThrow(
      "its first 7 batches differ from those of the saved run",
    );
  });
});

describe("parts that do not belong together are refused, by name", () => {
  const { part, merge } = calibrationOf(network);
  const named = async (index: number, count: number, others = {}) => ({
    name: `${index}/${count}`,
    part: await part(data, { index, count }, { ...options, ...others }),
  });
  const error = (parts: Parameters<typeof merge>[0]) =>
    merge(parts).then(String, ({ code, message }) => `${code} ${message}`);

  it("gaps and overlaps", async () => {
    const [a, b, c] = [await named(1, 3), await named(2, 3), await named(3, 3)];
    expect(await error([a, c])).toContain("ERR_BN_PARAM merge: a gap: batches 4 to 7 are missing, between 1/3 and 3/3");
    expect(await error([b, c])).toContain("a gap: batches 0 to 3 are missing, between the start and 2/3");
    expect(await error([a, b])).toContain("a gap: batches 8 to 11 are missing, after 2/3");
    expect(await error([a, b, c, await named(2, 4)])).toContain(
      "an overlap: 2/4 begins with batch 3, and 1/3 ends with 3",
    );
    expect(await error([])).toContain("merge: no parts");
  });

  it("other batch sizes, data, nodes, models, versions", async () => {
    const a = await named(1, 2);
    expect(await error([a, await named(2, 2, { batch: 5 })])).toContain(
      "2/2 belongs to another run than 1/2: the batch size is 5, expected 4",
    );
    const other = dataOf({ x: { type: "float32", shape: [47, 3, 5, 5], data: values.map((value) => -value) } });
    const b = { name: "b", part: await part(other, { index: 2, count: 2 }, options) };
    expect(await error([a, b])).toContain("b belongs to another run than 1/2: the data (digest) is");
    const some = {
      name: "c",
      part: await calibrationOf(network, { nodes: (name) => name !== "bn3" }).part(
        data,
        { index: 2, count: 2 },
        options,
      ),
    };
    expect(await error([a, some])).toContain(
      "c belongs to another run than 1/2: the nodes is 2, bn1, bn2..., expected 3, bn1",
    );
    for (const [key, value] of Object.entries({ runtime: "onnxruntime-node 1.0.0", threads: 8, cpu: "another" })) {
      const changed = { name: "d", part: { ...a.part, run: { ...a.part.run, [key]: value } } };
      expect(await error([a, changed])).toContain(`is ${value}, expected`);
    }
    const model = modelOf(network);
    expect(model.graph.node[0]?.name).toBe("conv");
    const moved = netOf({ input: ["N", 4, 5, 5], nodes: [one.node("x", "y")], tensors: one.tensors });
    const elsewhere = calibrationOf(moved).merge([a, await named(2, 2)]);
    await expect(elsewhere).rejects.toThrow(
      /^merge: 1\/2 is of a model with SHA-256 [0-9a-f]{64}, this one has [0-9a-f]{64}/,
    );
  });

  it("files that are none, cut off or changed", async () => {
    const text = encodePart((await named(1, 2)).part);
    expect(() => decodePart("{}", "p.json")).toThrow("p.json: is not a part of a calibration");
    expect(() => decodePart(text.slice(0, -100), "p.json")).toThrow(
      "p.json: is damaged or truncated: its checksum does not match",
    );
    expect(() => decodePart(text.replace('"first":0', '"first":1'), "p.json")).toThrow("its checksum does not match");
    expect(() =>
      decodePart(encodePart({ ...(JSON.parse(text).part as CalibrationPart), version: 2 as 1 }), "p"),
    ).toThrow("of version 2");
  });

  it("a run that continues from another", async () => {
    const { part: from } = await named(1, 1);
    await expect(calibrateModel(network, data, { ...options, batch: 6, from })).rejects.toThrow(
      "the saved run does not match this one: the batch size is 4, expected 6",
    );
    await expect(calibrateModel(network, data, { ...options, mode: "exact", from })).rejects.toThrow(
      "the mode is batch, expected exact",
    );
  });

  it("shards that there are not", async () => {
    await expect(part(data, { index: 4, count: 3 }, options)).rejects.toThrow("shard is 4 of 3");
    await expect(part(data, { index: 1, count: 3 }, { ...options, mode: "exact" })).rejects.toThrow(
      "a shard cannot run in mode exact",
    );
  });
});

it("a part keeps O(log batches) blocks, and the data never lie in memory", { timeout: 60_000 }, async () => {
  const norm = normOf("bn", 2, 4);
  const tiny = netOf({ input: ["N", 2, 512, 256], nodes: [norm.node("x", "y")], tensors: norm.tensors });
  const total = 300;
  const size = 2 * 512 * 256;
  let most = 0;
  const many = {
    samples: total,
    digest: () => "made up",
    async read(first: number) {
      most = Math.max(most, process.memoryUsage().rss);
      const tensor = { type: "float32", shape: [1, 2, 512, 256], data: new Float32Array(size).fill(first) };
      return first < total ? new Map([["x", tensor]]) : null;
    },
    async close() {},
  };
  const before = process.memoryUsage().rss;
  const part = await calibrationOf(tiny).part(many, { index: 1, count: 1 }, { batch: 1, runtime });
  expect(part.batches).toBe(total);
  expect(part.statistics[0]?.state.blocks).toHaveLength(4); // 300 = 256 + 32 + 8 + 4
  // 300 MiB of data were read.
  expect(most - before).toBeLessThan((total * size * 4) / 2);
});
