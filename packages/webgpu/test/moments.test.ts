import type { Geometry } from "@bn/core";
import { describe, expect, it } from "vitest";
import { createWebGpu } from "../src/index.ts";
import { thresholdFaults } from "./threshold-kit.ts";

const U = 2 ** -24;

/** Repeatable numbers with roughly the standard normal distribution: sums of twelve uniform ones. */
function normals(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return () => Array.from({ length: 12 }, uniform).reduce((a, b) => a + b, -6);
}

/**
 * Data for which a sampled value may be far from the mean, or the mean far from zero. Each function returns value `n`
 * of the `m` values in a channel.
 */
const DATA: Readonly<Record<string, (n: number, m: number, normal: () => number, c: number) => number>> = {
  normal: (_n, _m, normal) => normal(),
  "offset 1e6": (_n, _m, normal) => 1e6 + normal(),
  "a first value far off": (n, _m, normal) => (n === 0 ? 1e5 : normal()),
  "rare values far off": (n, _m, normal) => (n % 997 === 5 ? 1e4 : normal()),
  "a value far off in every row": (n, _m, normal) => (n % 64 === 0 ? 1e3 : normal()),
  "two halves apart": (n, m, normal) => (n < m / 2 ? -1e4 : 1e4) + normal(),
  "a trend": (n) => 1e3 + n,
  "one channel of three constant": (_n, _m, normal, c) => (c === 1 ? 3.7 : normal()),
};

/** Geometries long enough to be read once and, with `busy`, to be cut into parts. */
const GEOMETRIES: Readonly<Record<string, Geometry>> = {
  "runs of vectors": { outer: 8, channels: 3, inner: 4096 },
  "odd runs": { outer: 5, channels: 3, inner: 6561 },
  "channels last, in fours": { outer: 20_001, channels: 4, inner: 1 },
  "short runs": { outer: 4099, channels: 3, inner: 7 },
};

describe.each([4, 256])("moments with %i workgroups busy", (busy) => {
  describe.each(Object.keys(GEOMETRIES))("%s", (layout) => {
    it.each(Object.keys(DATA))("%s: within N-2", async (kind) => {
      const g = GEOMETRIES[layout] as Geometry;
      const { outer, channels, inner } = g;
      const m = outer * inner;
      const normal = normals(layout.length * 31 + kind.length);
      const x = new Float32Array(outer * channels * inner);
      const perChannel = Array.from({ length: channels }, () => new Float64Array(m));
      for (let n = 0; n < m; n++) {
        for (let c = 0; c < channels; c++) {
          const i = (Math.floor(n / inner) * channels + c) * inner + (n % inner);
          x[i] = (DATA[kind] as (typeof DATA)[string])(n, m, normal, c);
          (perChannel[c] as Float64Array)[n] = x[i] as number;
        }
      }

      await using gpu = await createWebGpu({ tuning: { busy } });
      const alloc = (length: number) => gpu.alloc("float32", length);
      const [source, mean, variance] = [alloc(x.length), alloc(channels), alloc(channels)];
      gpu.write(source, x);
      gpu.kernels.moments(source, g, { mean, variance });
      const [means, variances] = [await gpu.read(mean, channels), await gpu.read(variance, channels)];

      const s = (40 + Math.log2(m)) * U;
      for (const [c, values] of perChannel.entries()) {
        const mu = values.reduce((a, b) => a + b) / m;
        const v = values.reduce((a, b) => a + (b - mu) ** 2, 0) / m;
        const reach = values.reduce((a, b) => Math.max(a, Math.abs(b - mu)), 0);
        const d = U * Math.abs(mu) + (2 * s + 3 * U) * reach;
        expect(Math.abs((means[c] as number) - mu)).toBeLessThanOrEqual(d);
        expect(Math.abs((variances[c] as number) - v)).toBeLessThanOrEqual((s + 4 * U) * (v + d * d));
      }
    });
  });
});

it("gives exact moments of long channels of few bits, cut or not (N-7)", async () => {
  const g = { outer: 4, channels: 2, inner: 8192 };
  const x = Float32Array.from(
    { length: 65_536 },
    (_, i) => 40.25 + ((i * 7) % 16) - 7.5 + (i % 16384 < 8192 ? 0 : 100),
  );
  for (const busy of [1, 64]) {
    await using gpu = await createWebGpu({ tuning: { busy } });
    const alloc = (length: number) => gpu.alloc("float32", length);
    const [source, mean, variance] = [alloc(x.length), alloc(2), alloc(2)];
    gpu.write(source, x);
    gpu.kernels.moments(source, g, { mean, variance });
    expect([...(await gpu.read(mean, 2)), ...(await gpu.read(variance, 2))]).toEqual([40.25, 140.25, 21.25, 21.25]);
  }
});

it.each([undefined, { busy: 64 }, { workgroup: 64, busy: 512 }, { workgroup: 256, busy: 512 }])(
  "decides once whether the first pass was near enough, tuning %o",
  async (tuning) => {
    await using gpu = await createWebGpu(tuning ? { tuning } : {});
    expect(await thresholdFaults(gpu)).toEqual([]);
  },
);
