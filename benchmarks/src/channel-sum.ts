import type { Geometry } from "@bn/core";

/** A sum, and the sum of its terms' sizes: its rounding errors are told in units of that. */
export interface ChannelSum {
  readonly value: number;
  readonly size: number;
}

/**
 * The sum of `term(i)` over the elements i of one channel. Compensated (Knuth's two-sum): float64 kernels are judged by a few units
 * in the last place, and a plain sum of some thousand terms errs by more than that.
 */
export function channelSum(
  { outer, channels, inner }: Geometry,
  channel: number,
  term: (i: number) => number,
): ChannelSum {
  let [sum, lost, size] = [0, 0, 0];
  for (let o = 0; o < outer; o++) {
    for (let i = (o * channels + channel) * inner, end = i + inner; i < end; i++) {
      const one = term(i);
      const next = sum + one;
      const part = next - sum;
      lost += sum - (next - part) + (one - part);
      sum = next;
      size += Math.abs(one);
    }
  }
  return { value: sum + lost, size };
}
