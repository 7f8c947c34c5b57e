import type { LostChannel } from "./report.ts";

/**
 * The decimal digits that cancel in the folded layer over this run, per channel, worst first: log10 of max |y - b'|
 * over max |y|. y - b' is the sum of the products w' x. If that is far larger than y, b' takes its digits away (F-4).
 */
export function lostIn(
  y: ArrayLike<number>,
  channelOf: (i: number) => number,
  bias: ArrayLike<number>,
): readonly LostChannel[] {
  const [products, results] = [new Float64Array(bias.length), new Float64Array(bias.length)];
  for (let i = 0; i < y.length; i++) {
    const value = y[i] as number;
    if (!Number.isFinite(value)) continue;
    const c = channelOf(i);
    products[c] = Math.max(products[c] as number, Math.abs(value - (bias[c] as number)));
    results[c] = Math.max(results[c] as number, Math.abs(value));
  }
  return Array.from(products, (size, channel) => {
    const result = results[channel] as number;
    // If all of them are zero, there are no digits to lose.
    const digits = result === 0 ? 0 : Math.log10(size / result);
    return { channel, digits: Math.max(0, Number.isFinite(digits) ? digits : 0) };
  }).toSorted((a, b) => b.digits - a.digits);
}
