import type { Backend, Geometry } from "@bn/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createWasm, type WasmBuffer } from "../src/index.ts";
import { randomOf } from "./kit.ts";

/**
 * Series for which a kernel that shifts by a guess, and sums in blocks, could fail N-2 of docs/spec.md, on one channel.
 */
const SERIES: Record<string, (i: number, m: number, random: () => number) => number> = {
  "noise about 1000": (_i, _m, random) => 1000 + normal(random),
  "noise about 1e6": (_i, _m, random) => 1e6 + normal(random),
  "a start unlike the rest": (i, m, random) => (i < m / 4 ? 1e6 : normal(random)),
  "an end unlike the rest": (i, m, random) => (i > m - 20 ? -1e6 : normal(random)),
  "two values": (i) => (i % 2 === 0 ? 1 : -1),
  "two neighbours": (i) => (i % 3 === 0 ? 1 : 1 + 2 ** -23),
  "a ramp": (i, m) => i / m,
  "steps of a thousand": (i, m, random) => Math.floor((8 * i) / m) * 1000 + normal(random),
  "mostly zero": (_i, _m, random) => Math.max(normal(random) - 1.5, 0),
  "one outlier": (i, m, random) => (i === m >> 1 ? 1e9 : normal(random)),
  "squares that overflow": (_i, _m, random) => 1e19 * normal(random),
  "squares that underflow": (_i, _m, random) => 1e-21 * normal(random),
  constant: () => 0.1,
  // Spikes at the values that moments/shift.ts samples: the shift is far off, so that sums are computed again, and
  // equal terms round alike.
  "spikes at the probes of large planes": (i, m) => (i % Math.floor(m / 32) < 4 ? 30_011.7 : 0.1),
  "spikes at the probes of small planes": (i, m) => (i % Math.floor(m / 8) < 4 ? 30_011.7 : 0.1),
  "spikes at the probes of columns": (i, m) => (i % Math.floor(m / 32) < 1 ? 30_011.7 : 0.1),
  "spikes at the probes of few columns": (i, m) => (i % (16 * Math.floor(m / 128)) < 16 ? 30_011.7 : 0.1),
};

const GEOMETRIES: readonly Geometry[] = [
  { outer: 1, channels: 1, inner: 1_000_003 },
  { outer: 7, channels: 2, inner: 40_009 },
  // More than 8 MiB, which is read as four streams: of a row, and of outer rows; and a row too short for streams.
  { outer: 1, channels: 1, inner: 2_200_003 },
  { outer: 9, channels: 3, inner: 90_007 },
  { outer: 3, channels: 9, inner: 90_007 },
  // More than 16 MiB, in parts of outer rows.
  { outer: 17, channels: 66, inner: 3901 },
  { outer: 33, channels: 5, inner: 49 },
  { outer: 40_001, channels: 3, inner: 1 },
  { outer: 9001, channels: 64, inner: 1 },
  { outer: 65, channels: 2049, inner: 1 },
  { outer: 501, channels: 7, inner: 9 },
  { outer: 64, channels: 128, inner: 1 },
  { outer: 15, channels: 2049, inner: 1 },
  // Streams of one row each, and three rows after them.
  { outer: 7, channels: 5003, inner: 1 },
  // Short rows as planes: streams, and three rows after them.
  { outer: 8, channels: 521, inner: 9 },
  { outer: 95, channels: 37, inner: 16 },
  { outer: 1, channels: 1025, inner: 4 },
];

describe("moments of awkward series within N-2", () => {
  let wasm: Backend<WasmBuffer>;
  beforeAll(async () => {
    wasm = await createWasm({ threads: 2 });
  });
  afterAll(() => wasm.dispose());

  for (const g of GEOMETRIES) {
    for (const [name, value] of Object.entries(SERIES)) {
      test(`${name}, ${g.outer}x${g.channels}x${g.inner}`, () => {
        const { outer, channels, inner } = g;
        const m = outer * inner;
        const random = randomOf(m + channels);
        const x = wasm.alloc("float32", m * channels);
        const [mean, variance] = [wasm.alloc("float32", channels), wasm.alloc("float32", channels)];
        // The same series in every channel, so that one truth serves for all.
        const series = Float32Array.from({ length: m }, (_, i) => value(i, m, random));
        const { view } = x;
        for (let o = 0; o < outer; o++) {
          const row = series.subarray(o * inner, (o + 1) * inner);
          for (let c = 0; c < channels; c++) view.set(row, (o * channels + c) * inner);
        }
        wasm.kernels.moments(x, g, { mean, variance });
        const truth = truthOf(series);
        for (let c = 0; c < channels; c++) {
          const [gotMean, gotVariance] = [mean.view[c] as number, variance.view[c] as number];
          expect(Math.abs(gotMean - truth.mean) / truth.meanBound, `mean of channel ${c}`).toBeLessThanOrEqual(1);
          if (Math.fround(truth.variance) === Number.POSITIVE_INFINITY)
            expect(gotVariance).toBe(Number.POSITIVE_INFINITY);
          else {
            const ratio = Math.abs(gotVariance - truth.variance) / truth.varianceBound;
            expect(ratio, `variance of channel ${c}: ${gotVariance} for ${truth.variance}`).toBeLessThanOrEqual(1);
          }
        }
        for (const buffer of [x, mean, variance]) buffer.dispose();
      });
    }
  }
});

/** Series of the integers 0 to 2^bits - 1, whose sums of deviations and of their squares float32 can hold. */
const OF_FEW_BITS: Record<string, (i: number, m: number, random: () => number) => number> = {
  "zeros and ones": (_i, _m, random) => Math.floor(2 * random()),
  "mostly zeros": (_i, _m, random) => Math.floor(2 * random() ** 8),
  "five bits": (_i, _m, random) => Math.floor(32 * random()),
  "mostly small, of five bits": (_i, _m, random) => Math.floor(32 * random() ** 8),
  "a first value unlike the rest": (i, _m, random) => (i === 0 ? 64 : Math.floor(2 * random())),
  "spikes at the probes": (i, m, random) => (i % Math.floor(m / 4) < 4 ? 64 : Math.floor(2 * random())),
};

describe("moments of values of few bits, exactly (N-7)", () => {
  let wasm: Backend<WasmBuffer>;
  beforeAll(async () => {
    wasm = await createWasm({ threads: 1 });
  });
  afterAll(() => wasm.dispose());

  const geometries: readonly Geometry[] = [
    { outer: 16, channels: 4, inner: 49 },
    { outer: 8, channels: 4, inner: 100 },
    { outer: 1, channels: 5, inner: 5003 },
    { outer: 800, channels: 20, inner: 1 },
    { outer: 100, channels: 3, inner: 7 },
  ];
  for (const g of geometries) {
    for (const [name, value] of Object.entries(OF_FEW_BITS)) {
      test.each([0, 1000])(`${name} above %i units, ${g.outer}x${g.channels}x${g.inner}`, (above) => {
        const { outer, channels, inner } = g;
        const m = outer * inner;
        const unit = 2 ** -5;
        const random = randomOf(m + above + 1);
        const x = wasm.alloc("float32", m * channels);
        const [mean, variance] = [wasm.alloc("float32", channels), wasm.alloc("float32", channels)];
        const sums = Array.from({ length: channels }, () => ({ ofValues: 0, ofSquares: 0 }));
        for (let i = 0; i < m; i++) {
          for (const [c, sum] of sums.entries()) {
            const k = value(i, m, random);
            sum.ofValues += k;
            sum.ofSquares += k * k;
            const row = Math.floor(i / inner);
            x.view[(row * channels + c) * inner + (i - row * inner)] = unit * (above + k);
          }
        }
        wasm.kernels.moments(x, g, { mean, variance });
        const means = sums.map(({ ofValues }) => Math.fround(unit * (above + ofValues / m)));
        const variances = sums.map(({ ofValues, ofSquares }) =>
          Math.fround(unit ** 2 * ((m * ofSquares - ofValues ** 2) / m ** 2)),
        );
        expect([...mean.view]).toEqual(means);
        expect([...variance.view]).toEqual(variances);
        for (const buffer of [x, mean, variance]) buffer.dispose();
      });
    }
  }
});

describe("sums of two operands of few bits, exactly (N-7)", () => {
  let wasm: Backend<WasmBuffer>;
  beforeAll(async () => {
    wasm = await createWasm({ threads: 2 });
  });
  afterAll(() => wasm.dispose());

  // Two tensors of more than 8 MiB, which planes read as two streams or row by row: rows of one to many vectors, single
  // rows, with rows and vectors left over; parts of outer rows; short rows that are planes only because they come from
  // memory. The last are in the cache, as four streams, as two, and columns.
  const geometries: readonly Geometry[] = [
    { outer: 2, channels: 131_101, inner: 4 },
    { outer: 3, channels: 70_001, inner: 5 },
    { outer: 9, channels: 17_011, inner: 7 },
    { outer: 7, channels: 5003, inner: 33 },
    { outer: 13, channels: 1777, inner: 49 },
    { outer: 3, channels: 19, inner: 20_003 },
    { outer: 1, channels: 3, inner: 400_013 },
    { outer: 1, channels: 1, inner: 1_100_002 },
    { outer: 18, channels: 131, inner: 901 },
    { outer: 1203, channels: 512, inner: 9 },
    { outer: 33, channels: 5, inner: 49 },
    { outer: 7, channels: 5, inner: 1033 },
    { outer: 2_003, channels: 600, inner: 1 },
  ];
  for (const dtype of ["float32", "float64"] as const) {
    for (const g of geometries) {
      test(`${g.outer}x${g.channels}x${g.inner} ${dtype}`, () => {
        const { outer, channels, inner } = g;
        const n = outer * channels * inner;
        const random = randomOf(n);
        const [x, dy] = [wasm.alloc(dtype, n), wasm.alloc(dtype, n)];
        const [mean, variance] = [wasm.alloc(dtype, channels), wasm.alloc(dtype, channels)];
        const sums = { dy: wasm.alloc(dtype, channels), dyXhat: wasm.alloc(dtype, channels) };
        const values = { dy: new Float64Array(channels), dyXhat: new Float64Array(channels) };
        const [xs, dys] = [x.view, dy.view];
        for (let i = 0, row = 0; i < n; row++) {
          const c = row % channels;
          for (const past = i + inner; i < past; i++) {
            const [u, v] = [Math.floor(16 * random()) - 8, Math.floor(16 * random()) - 7];
            xs[i] = u;
            dys[i] = v;
            values.dy[c] = (values.dy[c] as number) + v;
            values.dyXhat[c] = (values.dyXhat[c] as number) + u * v;
          }
        }
        variance.view.fill(1);
        wasm.kernels.gradSums(dy, x, g, { mean, variance }, 0, sums, null);
        for (const sum of ["dy", "dyXhat"] as const) {
          const expected = dtype === "float32" ? Float32Array.from(values[sum]) : values[sum];
          const wrong = expected.findIndex((value, c) => value !== sums[sum].view[c]);
          expect(wrong, `a channel whose sum of ${sum} is ${sums[sum].view[wrong]}`).toBe(-1);
        }
        for (const buffer of [x, dy, mean, variance, sums.dy, sums.dyXhat]) buffer.dispose();
      });
    }
  }
});

/** Two passes in float64, which is far more accurate than the bounds. The bounds are those of N-2 with eta = 2^-149. */
function truthOf(series: Float32Array) {
  const u = 2 ** -24;
  const eta = 2 ** -149;
  const m = series.length;
  const mean = series.reduce((sum, x) => sum + (x - (series[0] as number)), 0) / m + (series[0] as number);
  const variance = series.reduce((sum, x) => sum + (x - mean) ** 2, 0) / m;
  const spread = series.reduce((most, x) => Math.max(most, Math.abs(x - mean)), 0);
  const s = (40 + Math.log2(m)) * u;
  const d = u * Math.abs(mean) + (2 * s + 3 * u) * spread;
  return { mean, variance, meanBound: d + eta, varianceBound: (s + 4 * u) * (variance + d * d) + eta };
}

/** An approximately standard normal number: the sum of four uniform ones. */
function normal(random: () => number): number {
  return (random() + random() + random() + random() - 2) * Math.sqrt(3);
}
