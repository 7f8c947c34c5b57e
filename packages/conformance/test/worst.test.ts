import type { Dtype, Geometry, HostArray } from "@bn/core";
import { describe, expect, it } from "vitest";
import type { Comparison } from "../src/case.ts";
import { hostArray } from "../src/cases/data.ts";
import { CallData } from "../src/cases/sweep/data.ts";
import { KINDS } from "../src/cases/sweep/kinds.ts";
import { gradNormalizeBound, normalizeBound, precisionOf } from "../src/truth/bounds.ts";
import { gradientPlane, normalizeLine } from "../src/truth/lines.ts";
import { compareLine, comparePlane } from "../src/truth/maps.ts";
import * as oracle from "../src/truth/oracle.ts";
import { reciprocalRoots, wideOf } from "../src/truth/wide.ts";

// Comparisons skip elements that are no worse than an earlier one. For every kind of data, one wrong element must still
// be found.
// Short rows are gathered by channel first, which must not change an element's position.
const channels = 2 * KINDS.length;
const geometries = [
  { outer: 3, channels, inner: 17 },
  { outer: 3, channels, inner: 5 },
  { outer: 35, channels, inner: 1 },
  { outer: 1, channels, inner: 16 },
];
const each = (["float32", "float64"] as const).flatMap((dtype) => geometries.map((g) => ({ dtype, g })));
describe.each(each)("comparisons of $dtype in $g", ({ dtype, g }: { dtype: Dtype; g: Geometry }) => {
  const supports = { nonFinite: true, subnormals: true, correctlyRounded: true } as never;
  const p = precisionOf(dtype, supports);
  const eps = Math.fround(1e-5);
  const data = new CallData("worst", g, 0, dtype, supports);
  const [x, dy, gamma, beta] = [data.x(), data.dy(), data.gamma(), data.beta()];
  const stats = { mean: wideOf(data.mean()), variance: wideOf(data.variance()), errors: null };
  const slowStats = { mean: oracle.channelsOf(data.mean()), variance: oracle.channelsOf(data.variance()) };
  const host = { dy: data.sumDy(), dyXhat: data.sumDyXhat() };
  const affine = { gamma: oracle.channelsOf(gamma), beta: oracle.channelsOf(beta) };
  const sums = { dy: oracle.channelsOf(host.dy), dyXhat: oracle.channelsOf(host.dyXhat) };
  const m = g.outer * g.inner;

  const line = normalizeLine(p, stats, eps, { gamma, beta });
  const r = reciprocalRoots(stats.variance, eps, dtype);
  const wide = { dy: wideOf(host.dy), dyXhat: wideOf(host.dyXhat), errors: null };
  const plane = gradientPlane(p, stats, eps, r, gamma, wide, m);
  const maps = [
    {
      name: "a line",
      expected: oracle.normalize(x, g, slowStats, eps, affine),
      bound: normalizeBound(p, x, g, slowStats, eps, affine, null),
      compare: (got: HostArray): Comparison => compareLine("y", got, x, g, dtype, line),
    },
    {
      name: "a plane",
      expected: oracle.gradNormalize(dy, x, g, slowStats, eps, affine.gamma, sums, m),
      bound: gradNormalizeBound(p, dy, x, g, slowStats, eps, affine.gamma, sums, null, null, m),
      compare: (got: HostArray): Comparison => comparePlane("dx", got, dy, x, g, dtype, plane),
    },
  ];

  describe.each(maps)("with $name", ({ expected, bound, compare }) => {
    const right = hostArray(dtype, expected);

    it("find nothing where all is right", () => {
      expect(compare(right).ratio).toBeLessThan(1);
      expect(right.some((value) => Number.isNaN(value))).toBe(true);
    });
    it("find one element that is off by two bounds, not a number, or a number in the place of none", () => {
      let planted = 0;
      for (let i = 0; i < right.length; i += 7) {
        const value = right[i] as number;
        const off = value + 2 * (bound[i] as number) + Math.abs(value) * 2 * p.u;
        const wrong = Number.isFinite(value) && Number.isFinite(off) ? [off, Number.NaN, Infinity] : [1, 0];
        for (const other of wrong) {
          const got = right.slice();
          got[i] = other;
          if (Object.is(got[i], value)) continue;
          const found = compare(got);
          planted++;
          expect(found.ratio, `${other} for ${value} at ${i}`).toBeGreaterThan(1);
          expect((found.at.outer * g.channels + found.at.channel) * g.inner + found.at.inner).toBe(i);
        }
      }
      expect(planted).toBeGreaterThan(200);
    });
  });
});
