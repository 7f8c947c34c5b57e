import type { Geometry, HostArray } from "@bn/core";
import { type Channel, eachOf } from "./channel.ts";
import { exponentOf, finite, Sum, scaleBy } from "./scaled.ts";

/** sum dy = dy * 2^dyExponent and sum dy * x^ = dot * 2^dotExponent. Either sum may be beyond the range of a number. */
export interface CarefulSums {
  readonly dy: number;
  readonly dyExponent: number;
  readonly dot: number;
  readonly dotExponent: number;
}

/**
 * Computes the gradient sums of a channel whose sums are not finite, or whose products may have underflowed. Each term
 * is divided by the power of two of the largest. Returns null if a value is not a finite number: the ordinary kernels
 * handle infinities and NaN.
 */
export function carefulSums(
  dy: HostArray,
  x: HostArray,
  g: Geometry,
  channel: number,
  of: Channel,
): CarefulSums | null {
  let [top, reach, all] = [exponentOf(0), exponentOf(0), true];
  eachOf(g, channel, (i) => {
    const [gradient, d] = [dy[i]!, of.deviation(x[i]!)];
    if (!finite(gradient) || !finite(d)) {
      all = false;
      return;
    }
    top = Math.max(top, exponentOf(gradient));
    reach = Math.max(reach, exponentOf(gradient) + exponentOf(d));
  });
  if (!all) return null;
  const [sum, products] = [new Sum(), new Sum()];
  eachOf(g, channel, (i) => {
    const [gradient, d] = [dy[i]!, of.deviation(x[i]!)];
    const [e, f] = [exponentOf(gradient), exponentOf(d)];
    sum.add(scaleBy(gradient, -top));
    products.add(scaleBy(scaleBy(gradient, -e) * scaleBy(d, -f), e + f - reach));
  });
  return {
    dy: sum.total,
    dyExponent: top,
    dot: products.total * of.r,
    dotExponent: reach + of.deviationExponent + of.rExponent,
  };
}
