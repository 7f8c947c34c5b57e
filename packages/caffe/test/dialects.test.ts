import { createBlob } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { isNormRecord, quotients } from "@bn/onnx";
import { expect, test } from "vitest";
import {
  type CaffeRecord,
  createLayers,
  type Dialect,
  decodeBlob,
  importNet,
  readWeights,
  writeBlobs,
  writeWeights,
} from "../src/index.ts";
import { BATCH_NORM, type Made, netOf } from "./nets.ts";

const [MEAN, VARIANCE, GAMMA, BETA] = [
  [-1, 2],
  [4, 9],
  [-3, 0.5],
  [7, -8],
];
const floats = (...values: number[]) => Float32Array.from(values);
const BN = 'type: "BN" bottom: "x" top: "x"';
/** The shape of cuDNN's tensors. */
const wide = (data: readonly number[]) => ({ shape: [1, data.length, 1, 1], data });

function read(made: Omit<Made, "name">, dialect?: Dialect) {
  const { layers, diagnostics } = importNet({ net: netOf([{ name: "bn", ...made }]), dialect });
  return { record: layers[0], said: diagnostics.map(({ kind, message }) => `${kind}: ${message}`).join("\n") };
}

/** The meaning that every reading of the same layer must give. */
function expectMeant(record: CaffeRecord | undefined, dialect: Dialect) {
  expect(record).toMatchObject({ type: "BatchNormScale", caffe: { dialect }, statistics: { factor: 1 } });
  if (!record || !isNormRecord(record)) throw new Error("no normalization");
  const { mean, variance } = quotients(record);
  expect([mean, variance, record.gamma, record.beta].map((values) => [...(values ?? [])])).toEqual([
    MEAN,
    VARIANCE,
    GAMMA,
    BETA,
  ]);
}

test.each([
  ["shapes [C], factor 0", [GAMMA, BETA, MEAN, VARIANCE, [0]]],
  ["shapes [1, C, 1, 1], factor 0", [...[GAMMA, BETA, MEAN, VARIANCE].map(wide), wide([0])]],
  ["shapes [1, C, 1, 1], factor 1", [...[GAMMA, BETA, MEAN, VARIANCE].map(wide), [1]]],
] as const)("five blobs, the factor last: scale-first (%s)", (_, blobs) => {
  const { record, said } = read({ text: BATCH_NORM, blobs });
  expectMeant(record, "scale-first");
  expect(said).toMatch(/converted: .*dialect scale-first, NVIDIA's Caffe up to 0\.15 and Xilinx's: .*5 blobs/);
});

test("a factor that averages have no use for is told", () => {
  const { record, said } = read({ text: BATCH_NORM, blobs: [GAMMA, BETA, MEAN, VARIANCE, [999.98]] });
  expectMeant(record, "scale-first");
  expect(said).toContain(
    "factor is 999.97998046875, and dialect scale-first does not divide by it; its statistics may be sums",
  );
});

test("five blobs, the factor in the middle: mean-first", () => {
  for (const factor of [0, 1]) {
    const { record, said } = read({ text: BATCH_NORM, blobs: [MEAN, VARIANCE, [factor], GAMMA, BETA] });
    expectMeant(record, "mean-first");
    expect(said).toContain("NVIDIA's Caffe from 0.16 on");
  }
});

test("of one channel the five blobs tell nothing: it asks, and takes what is said", () => {
  const blobs = [[2], [3], [1], [4], [5]];
  const { record, said } = read({ text: BATCH_NORM, blobs });
  expect(record).toBeUndefined();
  expect(said).toMatch(
    /left out: made\.prototxt:2:7: layer "bn" \(BatchNorm\): ambiguous: .*mean-first .* or scale-first/,
  );
  expect(read({ text: BATCH_NORM, blobs }, "mean-first").record).toMatchObject({
    statistics: { factor: 1 },
    gamma: floats(4),
    beta: floats(5),
  });
  expect(read({ text: BATCH_NORM, blobs }, "scale-first").record).toMatchObject({ gamma: floats(2), beta: floats(3) });
});

test("a negative value is not a variance: four blobs", () => {
  // The order is gamma, beta, mean, variance. beta has a negative value, so it cannot be the variance that mean-first
  // would read there.
  expectMeant(read({ text: BATCH_NORM, blobs: [GAMMA, BETA, MEAN, VARIANCE] }).record, "scale-first");
  const [meanFirst] = [read({ text: BATCH_NORM, blobs: [MEAN, VARIANCE, GAMMA, BETA] })];
  expectMeant(meanFirst?.record, "mean-first");
  expect(meanFirst?.said).toContain("not scale-first: blob 3, its variance, has -8 in channel 1");
  const both = read({
    text: BATCH_NORM,
    blobs: [
      [1, 2],
      [1, 2],
      [3, 4],
      [5, 6],
    ],
  });
  expect(both.record).toBeUndefined();
  expect(both.said).toContain(
    "ambiguous: 4 blobs ([2], [2], [2], [2]), and their values do not distinguish these dialects",
  );
});

test("what the net learns is not a statistic", () => {
  const learned = "param { lr_mult: 1 } param { lr_mult: 1 } param { lr_mult: 0 } param { lr_mult: 0 }";
  const { record, said } = read({
    text: `${BATCH_NORM} ${learned}`,
    blobs: [
      [1, 2],
      [1, 2],
      [3, 4],
      [5, 6],
    ],
  });
  expect(record).toMatchObject({ caffe: { dialect: "scale-first" }, gamma: floats(1, 2) });
  expect(said).toContain("not mean-first: the net learns blob 0, its mean (lr_mult 1)");
});

test("a field of NVIDIA's fork tells its dialect, and its eps is 1e-5 at least", () => {
  const text = `${BATCH_NORM} batch_norm_param { scale_bias: true eps: 1e-9 }`;
  const { record, said } = read({ text, blobs: [[2], [3], [1], [4], [5]] });
  expect(record).toMatchObject({ caffe: { dialect: "mean-first" }, gamma: floats(4), eps: Math.fround(1e-5) });
  expect(said).toContain("batch_norm_param has scale_bias, which only NVIDIA's fork has");
});

test("three blobs: factor 0 with statistics is Caffe's nothing or NVIDIA's average, and it asks", () => {
  const blobs = [MEAN, VARIANCE, [0]];
  const { record, said } = read({ text: BATCH_NORM, blobs });
  expect(record).toBeUndefined();
  expect(said).toContain(
    "ambiguous: factor is 0 and the statistics are not: Caffe treats them as zeros, NVIDIA's forks use them unchanged",
  );
  expect(said).toContain("caffe (BVLC Caffe) or mean-first");
  expect(read({ text: BATCH_NORM, blobs }, "mean-first").record).toMatchObject({
    statistics: { mean: floats(...MEAN), factor: 1 },
  });
  const caffe = read({ text: BATCH_NORM, blobs }, "caffe");
  expect(caffe.record).toMatchObject({ statistics: { mean: floats(...MEAN), factor: 0 } });
  expect(caffe.said).toContain("factor is 0 and the statistics are not");
  // An untrained layer gives no message.
  expect(read({ text: BATCH_NORM, blobs: [[0, 0], [0, 0], [0]] }).record).toMatchObject({
    caffe: { dialect: "caffe" },
  });
});

test("BN of SegNet: two blobs, by its mode", () => {
  const scaled = read({ text: `${BN} bn_param { bn_mode: INFERENCE }`, blobs: [GAMMA, BETA].map(wide) });
  expect(scaled.record).toMatchObject({
    type: "Scale",
    gamma: floats(...GAMMA),
    beta: floats(...BETA),
    parameterShape: [2],
    caffe: { dialect: "bn-affine" },
  });
  const learns = read({ text: BN, blobs: [GAMMA, BETA].map(wide) });
  expect(learns.record).toBeUndefined();
  expect(learns.said).toMatch(/ambiguous: it has 2 blobs.*the net does not set bn_mode/);
  expect(read({ text: BN, blobs: [GAMMA, BETA].map(wide) }, "bn-affine").record).toMatchObject({ type: "Scale" });
});

test("BN with four blobs asks whether the last is a variance or 1 / std", () => {
  const inverse = VARIANCE.map((value) => 1 / Math.sqrt(value));
  const asked = read({ text: BN, blobs: [GAMMA, BETA, MEAN, VARIANCE].map(wide) });
  expect(asked.record).toBeUndefined();
  expect(asked.said).toMatch(/bn-variance \(.*PSPNet.*\) or bn-inverse-std \(.*ENet/);
  expectMeant(read({ text: BN, blobs: [GAMMA, BETA, MEAN, VARIANCE].map(wide) }, "bn-variance").record, "bn-variance");
  const { record } = read(
    { text: `${BN} bn_param { eps: 1e-3 }`, blobs: [GAMMA, BETA, MEAN, inverse].map(wide) },
    "bn-inverse-std",
  );
  expect(record).toMatchObject({ eps: 0 });
  if (!record || !isNormRecord(record)) throw new Error("no normalization");
  // 1 / blob^2 is rounded once, and the blob was rounded once, so the error is within 2^-24 + 2 * 2^-24 plus a little.
  for (const [c, value] of record.statistics.variance.entries()) {
    expect(Math.abs(value / (VARIANCE[c] as number) - 1)).toBeLessThanOrEqual(3.01 * 2 ** -24);
  }
});

/** Two convolutions with their BN, whose fourth blob grows as `power` of the weights' summed squares. */
function grown(power: number) {
  const layers: Made[] = [];
  for (const [k, bottom] of ["x", "y0"].entries()) {
    const weights = Array.from({ length: 48 * 4 }, (_, i) => Math.sin(i * 7 + k) * (1 + ((i >> 2) % 13)));
    const squares = Array.from({ length: 48 }, (_, c) =>
      weights.slice(4 * c, 4 * c + 4).reduce((sum, w) => sum + w * w, 0),
    );
    const last = squares.map((value, c) => value ** power * (1 + 0.1 * Math.sin(c)));
    const ones = new Array<number>(48).fill(1);
    layers.push(
      {
        name: `conv${k}`,
        text: `type: "Convolution" bottom: "${bottom}" top: "y${k}" convolution_param { num_output: 48 kernel_size: 1 bias_term: false }`,
        blobs: [{ shape: [48, 4, 1, 1], data: weights }],
      },
      { name: `bn${k}`, text: `type: "BN" bottom: "y${k}" top: "y${k}"`, blobs: [ones, ones, ones, last].map(wide) },
    );
  }
  return importNet({ net: netOf(layers) });
}

test("how the fourth blob grows with the weights before it tells a variance from 1 / std", () => {
  for (const [power, dialect] of [
    [1, "bn-variance"],
    [-0.5, "bn-inverse-std"],
  ] as const) {
    const { layers } = grown(power);
    expect(layers.map(({ caffe }) => caffe.dialect)).toEqual([dialect, dialect]);
    expect(layers[0]?.caffe.evidence.join()).toMatch(
      /over 96 channels they grow with power -?\d\.\d\d \+- 0\.0\d of the summed squares/,
    );
  }
  expect(grown(0).layers).toEqual([]);
});

test("other numbers of blobs are told, with their shapes", () => {
  expect(read({ text: BATCH_NORM, blobs: [MEAN] }).said).toMatch(
    /left out: .*1 blobs \(\[2\]\), unlike any known BatchNorm layer/,
  );
  const unfit = read({ text: BATCH_NORM, blobs: [MEAN, [1, 2, 3], [1]] });
  expect(unfit.said).toContain("not caffe: blob 0, its mean, has shape [2], expected 3 values");
  expect(read({ text: BATCH_NORM, blobs: [MEAN, [1, 2, 3], [1]] }, "caffe").said).toContain(
    "it is not caffe, the dialect that was passed",
  );
});

test("a trained layer is written in its own dialect: averages, and the factor as it was", async () => {
  await using cpu = await createCpu();
  for (const [blobs, dialect] of [
    [[GAMMA, BETA, MEAN, VARIANCE, [0]], "scale-first"],
    [[MEAN, VARIANCE, [1], GAMMA, BETA], "mean-first"],
    [[GAMMA, BETA, MEAN, VARIANCE], "bn-variance"],
    [[GAMMA, BETA, MEAN, [0.5, 0.25]], "bn-inverse-std"],
  ] as const) {
    const net = netOf([{ name: "bn", text: dialect.startsWith("bn-") ? BN : BATCH_NORM, blobs }]);
    const weights = readWeights(writeWeights(net));
    const [record] = importNet({ weights, phase: "train", dialect }).layers;
    if (!record || !isNormRecord(record)) throw new Error("no normalization");
    using created = createLayers(cpu, record);
    const x = createBlob(cpu, [4, 2]);
    x.write([1, 2, 3, 4, 5, 6, 7, 9]);
    created.layers[0]?.setUp([x], [x]);
    created.layers[0]?.forward([x], [x]);
    const values = await Promise.all(created.blobs.map((blob) => blob.read()));
    const written = await writeBlobs(weights, record, created.blobs);
    const stored = written.message.layer[0]?.blobs.map((bytes) => [...decodeBlob(bytes).data]) ?? [];
    const { places } = record.caffe;
    const [sum, squares, factor] = [values[0] ?? [], values[1] ?? [], values[2]?.[0] ?? 0];
    const meant = { mean: sum[0], variance: squares[0] } as const;
    for (const { role, blob } of places) {
      const first = stored[blob]?.[0];
      if (role === "factor") expect(first).toBe((blobs[blob] as readonly number[])[0]);
      else if (role === "inverse std")
        expect(first).toBe(Math.fround(1 / Math.sqrt(Math.fround((squares[0] as number) / factor) + record.eps)));
      else if (role === "mean" || role === "variance")
        expect(first).toBe(Math.fround((meant[role] as number) / factor));
      else expect(stored[blob]).toEqual(role === "gamma" ? GAMMA : BETA);
    }
  }
});
