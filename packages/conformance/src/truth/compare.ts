import type { Geometry } from "@bn/core";
import type { Comparison, Index } from "../case.ts";

/**
 * The worst element of `got` compared with `expected`, with each error in units of its own `bound` (one number for all
 * elements, or one per element). Equal values, equal infinities, and NaN for NaN count as no error. Throws if the
 * lengths differ.
 */
export function compare(
  what: string,
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  bound: ArrayLike<number> | number,
  geometry: Geometry,
  note?: string,
): Comparison {
  const { length } = expected;
  if (got.length !== length) throw new Error(`${what}: ${got.length} elements, expected ${length}`);
  let worst = -1;
  let worstRatio = -1;
  for (let i = 0; i < length; i++) {
    const allowed = typeof bound === "number" ? bound : (bound[i] as number);
    const ratio = ratioOf(got[i] as number, expected[i] as number, allowed);
    if (ratio > worstRatio) {
      worst = i;
      worstRatio = ratio;
    }
  }
  if (worst < 0) return { what, error: 0, bound: 0, ratio: 0, at: indexOf(0, geometry), got: 0, expected: 0 };
  const [g, e] = [got[worst] as number, expected[worst] as number];
  const allowed = typeof bound === "number" ? bound : (bound[worst] as number);
  const error = Object.is(g, e) || g === e || (Number.isNaN(g) && Number.isNaN(e)) ? 0 : Math.abs(g - e);
  const found = { what, error, bound: allowed, ratio: worstRatio, at: indexOf(worst, geometry), got: g, expected: e };
  return note === undefined ? found : { ...found, note };
}

/** error / bound. It is Infinity for a NaN on one side only, or for a bound that is NaN. */
function ratioOf(got: number, expected: number, bound: number): number {
  if (got === expected || (Number.isNaN(got) && Number.isNaN(expected))) return 0;
  const ratio = Math.abs(got - expected) / bound;
  return !Number.isNaN(ratio) && bound < Number.POSITIVE_INFINITY ? ratio : Number.POSITIVE_INFINITY;
}

/** The position of element `i` in [outer][channels][inner]. */
export function indexOf(i: number, { channels, inner }: Geometry): Index {
  const row = Math.floor(i / Math.max(inner, 1));
  return {
    outer: Math.floor(row / Math.max(channels, 1)),
    channel: row % Math.max(channels, 1),
    inner: i % Math.max(inner, 1),
  };
}
