import { bounds, oracle } from "@bn/conformance";
import type { Backend } from "@bn/core";

/** y and dx of one channel by the suite's oracle, with the bounds for a backend in float64. */
export function truthOf(backend: Backend, x: readonly number[], dy: readonly number[], eps: number, gamma: number) {
  const g = { outer: x.length, channels: 1, inner: 1 };
  const e = Math.fround(eps);
  const p = bounds.precisionOf("float64", backend.supports);
  const affine = { gamma: oracle.channelsOf([gamma]), beta: oracle.channelsOf([0]) };
  const stats = oracle.moments(x, g);
  const errors = bounds.momentBounds(p, x, g, stats);
  const sums = oracle.gradSums(dy, x, g, stats, e);
  const sumErrors = bounds.gradSumBounds(p, dy, x, g, stats, e, sums, errors);
  return {
    y: oracle.normalize(x, g, stats, e, affine),
    yBound: bounds.normalizeBound(p, x, g, stats, e, affine, errors),
    dx: oracle.gradNormalize(dy, x, g, stats, e, affine.gamma, sums),
    dxBound: bounds.gradNormalizeBound(p, dy, x, g, stats, e, affine.gamma, sums, errors, sumErrors),
    dGamma: oracle.valuesOf(sums.dyXhat)[0] ?? 0,
    dGammaBound: sumErrors.dyXhat[0] ?? 0,
  };
}
