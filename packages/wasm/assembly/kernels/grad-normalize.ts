/**
 * K-4. dx = ((dy - a) - (x - mean) c) s with a = sum dy / m, c = r sum(dy x^) / m, s = gamma r, each computed in
 * float64 and rounded once. Without sums dx = dy s; the host then passes dy as x, and no mean. Bound: N-6.
 *
 *   tables = mean, a, c, s of each channel            tables.ts; channels out of range: careful/maps.ts
 *   dx = map(dy, x), row by row, with the row's coefficients, or block of columns by block
 *                                                     map/walk.ts, map/grad-normalize.ts
 */
import { job } from "../job";
import { Gradient, Normalize } from "../map/kind";
import { mapTensor } from "../map/walk";

export function gradNormalize<T>(): void {
  job.fused = 0;
  if (job.sumDy) mapTensor<T, Gradient>();
  else mapTensor<T, Normalize>();
}
