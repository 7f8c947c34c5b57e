import { describe, expect, it } from "vitest";
import { add, dd, div, mul, sqrt, sub } from "../src/truth/dd.ts";
import * as oracle from "../src/truth/oracle.ts";

// variance + eps is 4, so every number here is exact and can be checked by hand. The tolerance is 0 throughout.
const g = { outer: 2, channels: 1, inner: 2 };
const x = [1, 2, 3, 6];
const stats = oracle.moments(x, g);
const dy = [1, 0, 0, 2];
const affine = { gamma: [dd(-2)], beta: [dd(10)] };

describe("BatchNorm by hand", () => {
  it("has mean 12 / 4 and the biased variance (4 + 1 + 0 + 9) / 4", () => {
    expect(stats).toEqual({ mean: [dd(3)], variance: [dd(3.5)] });
  });

  it("normalizes, plain and with gamma and beta", () => {
    expect([...oracle.normalize(x, g, stats, 0.5, null)]).toEqual([-1, -0.5, 0, 1.5]);
    expect([...oracle.normalize(x, g, stats, 0.5, affine)]).toEqual([12, 11, 10, 7]);
    expect([...oracle.normalize(x, g, stats, 0.5, { ...affine, beta: null })]).toEqual([2, 1, 0, -3]);
  });

  it("sums dy = 1 + 2 and dy x^ = -1 + 3", () => {
    expect(oracle.gradSums(dy, x, g, stats, 0.5)).toEqual({ dy: [dd(3)], dyXhat: [dd(2)] });
  });

  it("gives dx = (dy - 3/4 - x^ 2/4) / 2, gamma times that, and dy / 2 without sums", () => {
    const sums = oracle.gradSums(dy, x, g, stats, 0.5);
    expect([...oracle.gradNormalize(dy, x, g, stats, 0.5, null, sums)]).toEqual([0.375, -0.25, -0.375, 0.25]);
    expect([...oracle.gradNormalize(dy, x, g, stats, 0.5, affine.gamma, sums)]).toEqual([-0.75, 0.5, 0.75, -0.5]);
    expect([...oracle.gradNormalize(dy, x, g, stats, 0.5, null, null)]).toEqual([0.5, 0, 0, 1]);
  });

  it("tells channels from outer and inner", () => {
    const values = [1, 3, 10, 20, 5, 7, 30, 40];
    const { mean, variance } = oracle.moments(values, { outer: 2, channels: 2, inner: 2 });
    expect(mean).toEqual([dd(4), dd(25)]);
    expect(variance).toEqual([dd(5), dd(125)]);
    expect(oracle.moments(values, { outer: 4, channels: 2, inner: 1 }).mean).toEqual([dd(11.5), dd(17.5)]);
  });

  it("moves the average: fraction sum + (mean, 4/3 variance, 1)", () => {
    const running = { mean: [dd(8)], variance: [dd(4)], factor: dd(2) };
    const of = { mean: [dd(3)], variance: [dd(3)] };
    const after = oracle.movingAverage(running, of, 0.5, oracle.correctionOf(g));
    expect(after.mean).toEqual([dd(7)]);
    expect(after.variance[0]?.hi).toBe(6);
    expect(after.factor).toEqual(dd(2));
    expect(oracle.correctionOf({ outer: 1, channels: 9, inner: 1 })).toEqual(dd(1));
  });

  it("divides stored sums by the factor, and takes 0 where that is 0", () => {
    const running = { mean: [dd(8)], variance: [dd(4)], factor: dd(2) };
    expect(oracle.globalStats(running)).toEqual({ mean: [dd(4)], variance: [dd(2)] });
    expect(oracle.globalStats({ ...running, factor: dd(0) })).toEqual({ mean: [dd(0)], variance: [dd(0)] });
  });

  it("lets NaN and infinities through to their own channel", () => {
    const geometry = { outer: 2, channels: 2, inner: 1 };
    const poisoned = oracle.moments([1, Number.POSITIVE_INFINITY, 3, 5], geometry);
    expect(poisoned.mean).toEqual([dd(2), dd(Number.POSITIVE_INFINITY)]);
    expect(poisoned.variance).toEqual([dd(1), dd(Number.NaN)]);
  });
});

describe("Scale by hand", () => {
  const two = { outer: 1, channels: 2, inner: 2 };
  it("maps and sums", () => {
    const map = { gamma: [dd(2), dd(-1)], beta: [dd(1), dd(0.5)] };
    expect([...oracle.scale(x, two, map)]).toEqual([3, 5, -2.5, -5.5]);
    expect(oracle.scaleSums(dy, x, two)).toEqual({ gamma: [dd(1), dd(12)], beta: [dd(1), dd(2)] });
  });
});

describe("double-double", () => {
  const tiny = 2 ** -80;
  it("keeps what float64 loses", () => {
    expect(sub(add(dd(1), dd(tiny)), dd(1))).toEqual(dd(tiny));
    expect(mul(dd(1 + 2 ** -40), dd(1 - 2 ** -40))).toEqual({ hi: 1, lo: -tiny });
  });

  it.each([3, 7, 1e10, 0.1])("divides and takes roots of %d to 2^-100", (value) => {
    const back = sub(mul(div(dd(1), dd(value)), dd(value)), dd(1));
    expect(Math.abs(back.hi)).toBeLessThan(2 ** -100);
    const root = sqrt(dd(value));
    expect(Math.abs(sub(mul(root, root), dd(value)).hi)).toBeLessThan(value * 2 ** -100);
  });

  it("sums 1e5 tenths as exactly as the tenth of a double allows", () => {
    let sum = dd(0);
    for (let i = 0; i < 1e5; i++) sum = add(sum, dd(0.1));
    expect(sub(sum, mul(dd(0.1), dd(1e5))).hi).toBe(0);
  });

  it("keeps infinities and NaN whole, and large numbers finite", () => {
    expect(add(dd(Number.POSITIVE_INFINITY), dd(1))).toEqual(dd(Number.POSITIVE_INFINITY));
    expect(mul(dd(1e200), dd(1e200))).toEqual(dd(Number.POSITIVE_INFINITY));
    expect(div(dd(1), dd(Number.POSITIVE_INFINITY))).toEqual(dd(0));
    expect(div(dd(1), dd(0))).toEqual(dd(Number.POSITIVE_INFINITY));
    expect(mul(dd(2 ** 1020), dd(0.5))).toEqual(dd(2 ** 1019));
    expect(sqrt(dd(-1))).toEqual(dd(Number.NaN));
  });
});
