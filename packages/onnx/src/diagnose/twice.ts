import type { Measured } from "./measure.ts";

/** With fewer channels than this, equal numbers may be a coincidence. */
const FEW = 4;

/**
 * Whether the run used the very batch that the statistics come from, and var is its variance times (m / (m - 1))^2.
 * Each channel is then off by that factor, to within an eighth of one correction, and the means agree as closely.
 */
export function isCorrectedTwice({ node, mean, variance, count }: Measured): boolean {
  const once = Math.log(count / (count - 1));
  const { statistics, channels } = node.layer;
  return (
    channels >= FEW &&
    mean.every((value, c) => {
      const measured = variance[c] as number;
      const off = Math.log((statistics.variance[c] as number) / measured) - 2 * once;
      const shift = Math.abs((statistics.mean[c] as number) - value) / Math.sqrt(measured);
      return Math.abs(off) <= once / 8 && shift <= once / 8;
    })
  );
}

export function twiceText(count: number): string {
  return `as if the variance was corrected twice: with m = ${count} values per channel, mean is that of this input, and var is its variance times (m / (m - 1))^2 in every channel, where one m / (m - 1) is right`;
}
