import type { Geometry, HostArray } from "@bn/core";
import { channelOf, eachOf } from "./channel.ts";
import { exponentOf, finite, isHuge, scaleBy } from "./scaled.ts";
import { carefulSums } from "./sums.ts";

/**
 * The maps of a channel whose coefficients are outside the dtype's range, or so near its ends that a product could be.
 * Factors are scaled to [1/2, 1), exponents are added up separately, and the result is rounded once when it is stored.
 * The functions return false, without writing, if a coefficient is not a finite number.
 */
export function carefulNormalize(
  x: HostArray,
  g: Geometry,
  channel: number,
  mean: HostArray,
  variance: HostArray,
  eps: number,
  gamma: HostArray | null,
  beta: HostArray | null,
  y: HostArray,
): boolean {
  const of = channelOf(mean[channel]!, variance[channel]!, eps);
  const [factor, offset] = [gamma ? gamma[channel]! : 1, beta ? beta[channel]! : 0];
  if (of === null || !finite(factor) || !finite(offset)) return false;
  const factorExponent = exponentOf(factor);
  const scale = of.r * scaleBy(factor, -factorExponent);
  const exponent = of.rExponent + factorExponent + of.deviationExponent;
  eachOf(g, channel, (i) => {
    const d = of.deviation(x[i]!);
    if (!finite(d)) {
      y[i] = d * scale + offset;
      return;
    }
    const f = exponentOf(d);
    const t = scaleBy(d, -f) * scale;
    y[i] = isHuge(offset) ? (scaleBy(t, exponent + f - 2) + offset * 0.25) * 4 : scaleBy(t, exponent + f) + offset;
  });
  return true;
}

/** `fused`: sums beyond the dtype's range are recomputed, with the values that they had before they were stored. */
export function carefulGradient(
  dy: HostArray,
  x: HostArray,
  g: Geometry,
  channel: number,
  mean: HostArray,
  variance: HostArray,
  eps: number,
  gamma: HostArray | null,
  sumDy: HostArray | null,
  sumDyXhat: HostArray | null,
  m: number,
  fused: boolean,
  dx: HostArray,
): boolean {
  const of = channelOf(mean[channel]!, variance[channel]!, eps);
  const factor = gamma ? gamma[channel]! : 1;
  if (of === null || !finite(factor)) return false;
  let [share, slope] = [sumDy ? sumDy[channel]! : 0, sumDyXhat ? sumDyXhat[channel]! : 0];
  let slopeExponent = of.rExponent + of.deviationExponent;
  if (finite(share) && finite(slope)) {
    const e = exponentOf(slope);
    share /= m;
    slope = (scaleBy(slope, -e) / m) * of.r;
    slopeExponent += e;
  } else {
    const sums = fused ? carefulSums(dy, x, g, channel, of) : null;
    if (sums === null) return false;
    share = scaleBy(sums.dy / m, sums.dyExponent);
    slope = (sums.dot / m) * of.r;
    slopeExponent += sums.dotExponent;
  }
  const factorExponent = exponentOf(factor);
  const scale = of.r * scaleBy(factor, -factorExponent);
  const exponent = of.rExponent + factorExponent;
  const [quarter, shareExponent] = isHuge(share) ? [0.25, 2] : [1, 0];
  eachOf(g, channel, (i) => {
    const u = dy[i]! * quarter - share * quarter;
    const d = sumDy ? of.deviation(x[i]!) : 0; // without sums, x is not read
    if (!finite(u) || !finite(d)) {
      dx[i] = u - d;
      return;
    }
    const f = exponentOf(d) + slopeExponent;
    const w = scaleBy(d, -exponentOf(d)) * slope;
    const e = Math.max(exponentOf(u) + shareExponent, f);
    dx[i] = scaleBy((scaleBy(u, shareExponent - e) - scaleBy(w, f - e)) * scale, e + exponent);
  });
  return true;
}
