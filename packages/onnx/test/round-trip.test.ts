import { createBatchNorm, createBatchNormScale, createBlob, type Dtype, type HostArray } from "@bn/core";
import { createCpu } from "@bn/cpu";
import fc from "fast-check";
import { expect, test } from "vitest";
import { buildModel, createLayer, importModel, OPSETS, readBatchNorm } from "../src/index.ts";
import { flat, type Operands, record } from "./network.ts";

/** Any number of the dtype, including subnormals, -0, infinities and NaN. */
const numbers = (dtype: Dtype, length: number): fc.Arbitrary<HostArray> =>
  dtype === "float32"
    ? fc.array(fc.float(), { minLength: length, maxLength: length }).map((values) => Float32Array.from(values))
    : fc.array(fc.double(), { minLength: length, maxLength: length }).map((values) => Float64Array.from(values));

const nodes: fc.Arbitrary<Operands> = fc
  .record({ dtype: fc.constantFrom<Dtype>("float32", "float64"), channels: fc.integer({ min: 1, max: 40 }) })
  .chain(({ dtype, channels }) =>
    fc.record({
      dtype: fc.constant(dtype),
      scale: numbers(dtype, channels),
      bias: numbers(dtype, channels),
      mean: numbers(dtype, channels),
      variance: numbers(dtype, channels),
      epsilon: fc.float({ min: 0, noNaN: true, noDefaultInfinity: true }),
      momentum: fc.float({ min: 0, max: 1, noNaN: true }),
    }),
  );
const shapes = (channels: number) =>
  fc
    .array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom("N", "H", "W")), { minLength: 1, maxLength: 5 })
    .map(([first, ...rest]) => [first ?? "N", channels, ...rest]);

/** The bits, so that -0 differs from 0. All NaNs count as equal. */
const bitsOf = (values: ArrayLike<number>) =>
  Array.from(values, (value) => (Object.is(value, -0) ? "-0" : String(value)));

test("node to model to node keeps every bit, in every operator set and shape", async () => {
  const inputs = nodes.chain((node) =>
    fc.record({
      node: fc.constant(node),
      opset: fc.constantFrom(...OPSETS),
      training: fc.boolean(),
      shape: shapes(node.mean.length),
    }),
  );
  await fc.assert(
    fc.asyncProperty(inputs, async ({ node, opset, training, shape }) => {
      const { layers } = await importModel(buildModel(record(node), { opset, training, shape }));
      expect(layers.length).toBe(1);
      const [back] = layers as [(typeof layers)[number]];
      const read = flat(back);
      expect(back).toMatchObject({ dtype: node.dtype, phase: training ? "train" : "test" });
      for (const part of ["scale", "bias", "mean", "variance"] as const) {
        expect(read[part].constructor).toBe(node[part].constructor);
        expect(bitsOf(read[part])).toEqual(bitsOf(node[part]));
      }
      expect(bitsOf([read.epsilon, read.momentum])).toEqual(bitsOf([node.epsilon, node.momentum]));
    }),
    { numRuns: 300 },
  );
});

/** Possible blobs of a layer: sums, their factor, gamma and beta. */
const blobs = fc
  .record({ dtype: fc.constantFrom<Dtype>("float32", "float64"), channels: fc.integer({ min: 1, max: 12 }) })
  .chain(({ dtype, channels }) =>
    fc.record({
      dtype: fc.constant(dtype),
      values: fc.tuple(
        numbers(dtype, channels),
        numbers(dtype, channels),
        fc.oneof(fc.constantFrom(0, 1, 3, 999.5), fc.float({ min: 0, max: 1000, noNaN: true })).map((f) => [f]),
        numbers(dtype, channels),
        numbers(dtype, channels),
      ),
      parts: fc.constantFrom(3, 4, 5),
      eps: fc.double({ min: 0, max: 10, noNaN: true }),
      fraction: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  );

test("layer to model to layer: the same tops to the last bit, and blobs that export to the same model", async () => {
  await using cpu = await createCpu();
  await fc.assert(
    fc.asyncProperty(blobs, async ({ dtype, values, parts, eps, fraction }) => {
      const channels = values[0].length;
      const [x, y, z] = [
        createBlob(cpu, [3, channels, 2], dtype),
        createBlob(cpu, [0], dtype),
        createBlob(cpu, [0], dtype),
      ];
      x.write(Float64Array.from({ length: 6 * channels }, (_, i) => Math.sin(i) * 3));
      const params = { phase: "test", eps, movingAverageFraction: fraction } as const;
      const layer = parts === 3 ? createBatchNorm(params) : createBatchNormScale({ ...params, biasTerm: parts === 5 });
      layer.setUp([x], [y]);
      for (const [i, blob] of layer.blobs.entries()) blob.write(values[i] ?? []);
      layer.forward([x], [y]);

      const node = await readBatchNorm(layer.blobs, { eps, movingAverageFraction: fraction });
      const bytes = buildModel(node, { shape: [3, channels, 2] });
      const { layers } = await importModel(bytes);
      const back = createLayer(cpu, layers[0] as (typeof layers)[number]);
      back.layer.setUp([x], [z]);
      back.layer.forward([x], [z]);
      // A layer without beta adds nothing, while a layer with beta 0 turns a product of -0 into 0. The numbers are
      // equal, but the bits are not.
      const zero = (bits: string) => (bits === "-0" ? "0" : bits);
      const top = bitsOf(await z.read());
      expect(parts === 5 ? top : top.map(zero)).toEqual(
        parts === 5 ? bitsOf(await y.read()) : bitsOf(await y.read()).map(zero),
      );
      const again = await readBatchNorm(back.blobs, { eps, movingAverageFraction: fraction });
      expect(buildModel(again, { shape: [3, channels, 2] })).toEqual(bytes);
      back.dispose();
      layer.dispose();
    }),
    { numRuns: 200 },
  );
});

test("a steady average steps in ours as in ONNX, from the same statistics", async () => {
  await using cpu = await createCpu();
  const inputs = fc.record({
    mean: fc.float({ min: -100, max: 100, noNaN: true }),
    variance: fc.float({ min: Math.fround(0.01), max: 100, noNaN: true }),
    momentum: fc.float({ min: 0, max: Math.fround(0.999), noNaN: true }),
  });
  await fc.assert(
    fc.asyncProperty(inputs, async ({ mean, variance, momentum }) => {
      const one = (value: number) => Float32Array.of(value);
      const node = {
        dtype: "float32",
        scale: one(1),
        bias: one(0),
        mean: one(mean),
        variance: one(variance),
        epsilon: 1e-5,
        momentum,
      } as const;
      const { layer, blobs, dispose } = createLayer(cpu, record(node), { phase: "train", average: "steady" });
      const [x, y] = [createBlob(cpu, [4, 1]), createBlob(cpu)];
      x.write([1, 2, 3, 6]); // mean 3, variance 3.5
      layer.setUp([x], [y]);
      const u = 2 ** -24;
      const before = flat(await readBatchNorm(blobs));
      // factor, sum and quotient round once each, and the quotient of the record twice
      expect(Math.abs((before.mean[0] as number) - mean)).toBeLessThanOrEqual(5 * u * Math.abs(mean));
      layer.forward([x], [y]);
      const after = flat(await readBatchNorm(blobs));
      const p = momentum;
      const size = Math.abs(p * mean) + (1 - p) * 3;
      expect(Math.abs((after.mean[0] as number) - (p * mean + (1 - p) * 3))).toBeLessThanOrEqual(16 * u * size);
      const corrected = p * variance + (1 - p) * 3.5 * (4 / 3);
      expect(Math.abs((after.variance[0] as number) - corrected)).toBeLessThanOrEqual(48 * u * corrected);
      dispose();
    }),
    { numRuns: 100 },
  );
});
