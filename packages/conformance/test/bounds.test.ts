import { describe, expect, it } from "vitest";
import { DISTRIBUTIONS, type Distribution, normals, sample } from "../src/cases/data.ts";
import { gradSumBounds, momentBounds, normalizeBound, precisionOf, sumBound } from "../src/truth/bounds.ts";
import { compare } from "../src/truth/compare.ts";
import { channelsOf, gradSums, moments, normalize, type Stats, valuesOf } from "../src/truth/oracle.ts";

const f = Math.fround;
const supports = { correctlyRounded: true, subnormals: true };
const p = precisionOf("float32", { ...full(), ...supports });
const g = { outer: 1, channels: 1, inner: 1024 };
const from = (name: string) => DISTRIBUTIONS.find((d) => d.name === name) as Distribution;
const EPS = f(1e-5);

function full() {
  return { dtypes: [], hostVisible: true, nonFinite: true, deterministic: true, threads: 1, details: {} };
}

/** float32 statistics of x, as a backend would store them. */
function storedStats(x: ArrayLike<number>): { readonly stats: Stats; readonly mean: number; readonly r: number } {
  const { mean, variance } = moments(x, g);
  const [m, v] = [f(mean[0]?.hi ?? 0), f(variance[0]?.hi ?? 0)];
  return { stats: { mean: channelsOf([m]), variance: channelsOf([v]) }, mean: m, r: f(1 / f(Math.sqrt(f(v + EPS)))) };
}

describe("N-3", () => {
  const ratio = (name: string, emulate: (x: number, mean: number, r: number) => number) => {
    const x = sample(`N-3 ${name}`, from(name), g, "float32");
    const { stats, mean, r } = storedStats(x);
    const y = Array.from(x, (value) => emulate(value, mean, r));
    const bound = normalizeBound(p, x, g, stats, EPS, null, null);
    return compare("y", y, normalize(x, g, stats, EPS, null), bound, g).ratio;
  };
  const right = (x: number, mean: number, r: number) => f(f(x - mean) * r);
  const folded = (x: number, mean: number, r: number) => f(f(x * r) + f(-f(mean * r)));

  it.each(["normal", "offset-1e3", "offset-1e4", "offset-1e6"])("holds for (x - mean) r: %s", (name) => {
    expect(ratio(name, right)).toBeLessThanOrEqual(1);
  });
  it.each(["offset-1e3", "offset-1e4", "offset-1e6"])("rejects x A + B: %s", (name) => {
    expect(ratio(name, folded)).toBeGreaterThan(10);
  });
});

describe("N-2", () => {
  const ratios = (name: string, emulate: (x: ArrayLike<number>) => readonly [mean: number, variance: number]) => {
    const x = sample(`N-2 ${name}`, from(name), g, "float32");
    const exact = moments(x, g);
    const bounds = momentBounds(p, x, g, exact);
    const [mean, variance] = emulate(x);
    return {
      mean: compare("mean", [mean], valuesOf(exact.mean), bounds.mean, g).ratio,
      variance: compare("variance", [variance], valuesOf(exact.variance), bounds.variance, g).ratio,
    };
  };
  const m = 1024;
  /** Adds in float32 along a tree. */
  const sum = (values: readonly number[]): number => {
    if (values.length === 1) return values[0] as number;
    const half = values.length / 2;
    return f(sum(values.slice(0, half)) + sum(values.slice(half)));
  };
  const shiftedTwoPass = (x: ArrayLike<number>) => {
    const s = x[0] as number;
    const mean = f(s + f(sum(Array.from(x, (v) => f(v - s))) / m));
    const deviations = Array.from(x, (v) => f(v - mean));
    const rest = f(sum(deviations) / m);
    return [mean, f(f(sum(deviations.map((d) => f(d * d))) / m) - f(rest * rest))] as const;
  };
  const squares = (x: ArrayLike<number>) => {
    const mean = f(sum(Array.from(x)) / m);
    return [mean, f(f(sum(Array.from(x, (v) => f(v * v))) / m) - f(mean * mean))] as const;
  };

  it.each(["normal", "offset-1e3", "offset-1e6", "mixed", "outlier-first", "huge-mean"])(
    "holds for a shifted two-pass form in float32 alone: %s",
    (name) => {
      const { mean, variance } = ratios(name, shiftedTwoPass);
      expect(mean).toBeLessThanOrEqual(1);
      expect(variance).toBeLessThanOrEqual(1);
    },
  );
  it.each(["offset-1e3", "offset-1e4", "huge-mean"])("rejects E[x^2] - E[x]^2: %s", (name) => {
    expect(ratios(name, squares).variance).toBeGreaterThan(10);
  });
  it("rejects the unbiased variance", () => {
    const unbiased = (x: ArrayLike<number>) => {
      const [mean, variance] = shiftedTwoPass(x);
      return [mean, f((variance * m) / (m - 1))] as const;
    };
    expect(ratios("normal", unbiased).variance).toBeGreaterThan(10);
  });
});

describe("N-1 and N-5", () => {
  it("reject a plain float32 loop where its rounding all goes one way", () => {
    const n = 1 << 14;
    const one = { outer: 1, channels: 1, inner: n };
    // The first value is 1, and n - 1 values are below half an ulp of it: each addition loses its term, n u / 4 in
    // total.
    const dy = Float32Array.from({ length: n }, (_, i) => (i === 0 ? 1 : 2 ** -25));
    const exact = channelsOf([1 + (n - 1) * 2 ** -25]);
    const loop = dy.reduce((total, v) => f(total + v), 0);
    const bound = sumBound(p, dy, null, one, exact, null);
    expect(compare("sum dy", [loop], valuesOf(exact), bound, one).ratio).toBeGreaterThan(10);
    const wide = f(dy.reduce((total, v) => total + v, 0));
    expect(compare("sum dy", [wide], valuesOf(exact), bound, one).ratio).toBeLessThanOrEqual(1);
  });

  it("hold for float32 terms, summed wider", () => {
    const x = sample("N-5", from("offset-1e3"), g, "float32");
    const dy = normals("N-5 dy", 1024, "float32");
    const { stats, mean, r } = storedStats(x);
    const sums = gradSums(dy, x, g, stats, EPS);
    const bounds = gradSumBounds(p, dy, x, g, stats, EPS, sums, null);
    const got = f(Array.from(x, (v, i) => f((dy[i] as number) * f(f(v - mean) * r))).reduce((a, b) => a + b, 0));
    expect(compare("sum dy x^", [got], valuesOf(sums.dyXhat), bounds.dyXhat, g).ratio).toBeLessThanOrEqual(1);
    const unscaled = f(got / r);
    expect(compare("sum dy d", [unscaled], valuesOf(sums.dyXhat), bounds.dyXhat, g).ratio).toBeGreaterThan(10);
  });
});

describe("precisionOf", () => {
  it("knows u, K and eta by the declared facts", () => {
    const of = (dtype: "float32" | "float64", correctlyRounded: boolean, subnormals: boolean) =>
      precisionOf(dtype, { ...full(), correctlyRounded, subnormals });
    expect(of("float32", true, true)).toMatchObject({ u: 2 ** -24, k: 4, division: 1, eta: 2 ** -149 });
    expect(of("float64", true, true)).toMatchObject({ u: 2 ** -53, k: 7, division: 1, eta: 2 ** -1074 });
    expect(of("float32", false, false)).toMatchObject({ u: 2 ** -24, k: 8.5, division: 5, eta: 2 ** -126 });
  });
});
