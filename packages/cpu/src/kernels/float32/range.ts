/**
 * Whether the ordinary maps are right for a channel. They always are for float32, because float64 has room for every
 * intermediate result.
 */
export function mapInRange(_mean: number, _scale: number, _beta: number, _gamma: number): boolean {
  return true;
}

/** The sums were stored as float32 and may have become infinite. In that case careful/maps.ts recomputes them. */
export function gradientInRange(
  _mean: number,
  share: number,
  slope: number,
  _scale: number,
  _gamma: number,
  _sumDyXhat: number,
): boolean {
  return share - share === 0 && slope - slope === 0;
}
