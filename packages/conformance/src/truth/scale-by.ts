/**
 * value * 2^e, rounded only if the result is subnormal, and infinite beyond the largest number. It takes several steps
 * because 2^e itself may be out of range.
 */
export function scaleBy(value: number, e: number): number {
  const all = Math.max(Math.min(e, 3000), -3000);
  const step = Math.trunc(all / 3);
  return value * 2 ** step * 2 ** step * 2 ** (all - 2 * step);
}
