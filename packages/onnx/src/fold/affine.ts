import { type LayerRecord, quotients } from "../layers/record.ts";

/** y = (x - mean) * gain + beta per channel, in float64: the map of a normalization with stored statistics. */
export interface ChannelAffine {
  readonly mean: Float64Array;
  readonly gain: Float64Array;
  readonly beta: Float64Array;
}

/**
 * The affine map of a record. Mean and variance are the quotients of BN-6, and gain = gamma / sqrt(variance + eps). A
 * Scale has mean 0 and gain gamma.
 *
 * Source  docs/folding.md, F-1; docs/spec.md BN-6, BS-1.
 */
export function affineOf(record: LayerRecord): ChannelAffine {
  const { channels } = record;
  const wide = (values: ArrayLike<number> | null, absent: number) =>
    Float64Array.from({ length: channels }, (_, c) => (values === null ? absent : (values[c] as number)));
  const gamma = wide(record.gamma, 1);
  const beta = wide(record.beta, 0);
  if (record.type === "Scale") return { mean: new Float64Array(channels), gain: gamma, beta };
  const { mean, variance } = quotients(record);
  const gain = gamma.map((value, c) => value / Math.sqrt((variance[c] as number) + record.eps));
  return { mean: wide(mean, 0), gain, beta };
}

/** Describes the first channel whose numbers are not finite, or returns null. Such a channel cannot be folded. */
export function unusable({ mean, gain, beta }: ChannelAffine): string | null {
  for (let c = 0; c < gain.length; c++) {
    for (const [name, value] of [
      ["mean", mean[c]],
      ["gamma / sqrt(variance + epsilon)", gain[c]],
      ["beta", beta[c]],
    ] as const) {
      if (!Number.isFinite(value)) return `${name} of channel ${c} is ${value}`;
    }
  }
  return null;
}

/** Whether the map keeps zeros, so that zero padding before the map equals zero padding after it. */
export function keepsZero({ mean, gain, beta }: ChannelAffine): boolean {
  return beta.every((value, c) => value === (mean[c] as number) * (gain[c] as number));
}
