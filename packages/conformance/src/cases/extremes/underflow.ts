import type { Geometry } from "@bn/core";
import { gradSumBounds, momentBounds, type Precision, type StatErrors, type SumErrors } from "../../truth/bounds.ts";
import * as oracle from "../../truth/oracle.ts";
import { scaleBy } from "../../truth/scale-by.ts";
import type { Operands } from "../operands.ts";
import type { Magnitude } from "./magnitudes.ts";
import { ORDINARY_EPS as EPS, type Extreme, type Ordinary } from "./operands.ts";

/**
 * The inputs that a kernel is tested with. Truths and bounds are computed for the ordinary operands, and multiplied by
 * a power of two.
 */
export interface Setting {
  readonly o: Operands;
  readonly g: Geometry;
  /**
   * eta is 0 here: the effect of underflow is added to each bound separately, in units of the output's power of two.
   */
  readonly p: Precision;
  readonly eta: number;
  readonly by: Magnitude;
  readonly ordinary: Ordinary;
  readonly extreme: Extreme;
}

export const statsOf = ({ ordinary }: Setting): oracle.Stats => ({
  mean: oracle.channelsOf(ordinary.mean),
  variance: oracle.channelsOf(ordinary.variance),
});
/** eta in units of 2^e. */
export const eta = (s: Setting, e: number) => scaleBy(s.eta, -e);

/** The bounds of N-2, with the effect of underflow. */
export function statErrors(s: Setting, stats: oracle.Stats): StatErrors {
  const { mean, variance } = momentBounds(s.p, s.ordinary.x, s.g, stats);
  return {
    mean: mean.map((bound) => bound + 3 * eta(s, s.by.x)),
    variance: variance.map((bound) => bound + 4 * eta(s, 2 * s.by.x)),
  };
}

/** The effect of underflow in N-3: eta (2 + s + gamma), s = gamma r. */
export function mapUnderflow(s: Setting, stats: oracle.Stats): (i: number) => number {
  const { by, g, ordinary } = s;
  const r = oracle.valuesOf(oracle.reciprocalStd(stats.variance, EPS));
  const e = by.gamma + by.xhat;
  return (i) => {
    const c = Math.floor(i / g.inner) % g.channels;
    const gamma = Math.abs(ordinary.gamma[c] as number);
    return 2 * eta(s, e) + gamma * ((r[c] as number) * eta(s, e - by.gamma + by.x - by.xhat) + eta(s, e - by.gamma));
  };
}

/** The bounds of N-5, with the effect of underflow: m eta, and eta (2 m + r sum |dy|). */
export function sumErrors(s: Setting, sums: oracle.GradSums): SumErrors {
  const { by, g, ordinary } = s;
  const stats = statsOf(s);
  const bounds = gradSumBounds(s.p, ordinary.dy, ordinary.x, g, stats, EPS, sums, null);
  const m = g.outer * g.inner;
  const r = oracle.valuesOf(oracle.reciprocalStd(stats.variance, EPS));
  const size = new Float64Array(g.channels);
  oracle.each(g, (i, c) => {
    size[c] = (size[c] as number) + Math.abs(ordinary.dy[i] as number);
  });
  const e = by.dy + by.xhat;
  return {
    dy: bounds.dy.map((bound) => bound + m * eta(s, by.dy)),
    dyXhat: bounds.dyXhat.map(
      (bound, c) =>
        bound + 2 * m * eta(s, e) + (r[c] as number) * (size[c] as number) * eta(s, e - by.dy + by.x - by.xhat),
    ),
  };
}

/** The effect of underflow in N-6: eta (2 + |dy|) + eta s (3 + b (2 + r)), s = gamma r. */
export function gradientUnderflow(s: Setting, sums: oracle.GradSums, m: number): (i: number) => number {
  const { by, g, ordinary } = s;
  const r = oracle.valuesOf(oracle.reciprocalStd(statsOf(s).variance, EPS));
  const std = by.x - by.xhat;
  const e = by.gamma - std + by.dy;
  return (i) => {
    const c = Math.floor(i / g.inner) % g.channels;
    const scale = Math.abs(ordinary.gamma[c] as number) * (r[c] as number);
    const b = Math.abs(sums.dyXhat[c]?.hi ?? 0) / m;
    const [ofScale, ofSlope] = [e - by.gamma + std, by.dy - by.xhat];
    return (
      2 * eta(s, e) +
      Math.abs(ordinary.dy[i] as number) * eta(s, e - by.dy) +
      scale *
        (3 * eta(s, ofScale) + b * (2 * eta(s, ofScale - ofSlope) + (r[c] as number) * eta(s, ofScale - ofSlope + std)))
    );
  };
}
