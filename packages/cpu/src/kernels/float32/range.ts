/** Whether the ordinary maps are right for a channel: they are, as float64 has room for all that float32 makes of numbers. */
export function mapInRange(_mean: number, _scale: number, _beta: number, _gamma: number): boolean {
  return true;
}

/** The sums have passed through float32 and may have become infinite there: careful/maps.ts then takes them again. */
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
