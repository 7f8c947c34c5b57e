/** value * 2^e, rounded where that is subnormal; infinite beyond the largest. In steps: 2^e itself may be neither. */
export function scaleBy(value: number, e: number): number {
  const all = Math.max(Math.min(e, 3000), -3000);
  const step = Math.trunc(all / 3);
  return value * 2 ** step * 2 ** step * 2 ** (all - 2 * step);
}
