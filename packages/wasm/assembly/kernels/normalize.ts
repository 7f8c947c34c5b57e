/**
 * K-2. y = (x - mean) * s + beta, with s = gamma / sqrt(variance + eps) computed in float64 and rounded once. Bound:
 * N-3.
 *
 *   tables = mean, s, beta of each channel            tables.ts; channels out of range: careful/maps.ts
 *   y = map(x), row by row, with the row's coefficients, or block of columns by block    map/walk.ts, map/normalize.ts
 */
import { Normalize } from "../map/kind";
import { mapTensor } from "../map/walk";

/** Without `variance` (0), s is gamma; without `mean`, nothing is subtracted. */
export function normalize<T>(): void {
  mapTensor<T, Normalize>();
}
