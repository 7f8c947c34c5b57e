import type { NormRecord } from "../layers/record.ts";
import { quotients } from "../layers/record.ts";

/** The digits that folding may cost, estimated from the weights alone. */
export interface Loss {
  /** Decimal digits: log10(1 + |mean - bias| / sqrt(variance + eps)) of the worst channel. */
  readonly lostDigits: number;
  readonly worstChannel: number | null;
}

/**
 * How many digits of a channel's result cancel between w' x and b' if x follows the stored statistics (F-4): both terms are
 * |mean - bias| / std times as large as their sum. A normalization that is not folded subtracts before it scales.
 */
export function lossOf(norm: NormRecord | null, bias: Float64Array | null): Loss {
  if (norm === null) return { lostDigits: 0, worstChannel: null };
  const { mean, variance } = quotients(norm);
  let [lostDigits, worstChannel] = [0, 0];
  for (const [c, mu] of mean.entries()) {
    const std = Math.sqrt((variance[c] as number) + norm.eps);
    const digits = Math.log10(1 + Math.abs(mu - (bias?.[c] ?? 0)) / std);
    if (digits > lostDigits) [lostDigits, worstChannel] = [digits, c];
  }
  return { lostDigits, worstChannel };
}
