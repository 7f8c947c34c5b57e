import type { ChannelAffine } from "./affine.ts";

/** The channels of each element of a weight tensor: `out` that they add to, `in` that they read. */
export interface WeightLayout {
  readonly outputs: number;
  readonly inputs: number;
  out(index: number): number;
  in(index: number): number;
}

/** In float64; whoever stores them rounds once. */
export interface FoldedWeights {
  readonly weights: Float64Array;
  readonly bias: Float64Array;
}

/**
 * A normalization behind a layer, moved into its weights (F-1): w' = w * gain, b' = (b - mean) * gain + beta, each over the
 * output channels.
 */
export function foldBehind(
  weights: ArrayLike<number>,
  bias: ArrayLike<number> | null,
  { out, outputs }: WeightLayout,
  { mean, gain, beta }: ChannelAffine,
): FoldedWeights {
  const folded = new Float64Array(weights.length); // a loop: Float64Array.from with a function is ten times as slow
  for (let i = 0; i < folded.length; i++) folded[i] = (weights[i] as number) * (gain[out(i)] as number);
  return {
    weights: folded,
    bias: Float64Array.from({ length: outputs }, (_, o) => {
      return ((bias?.[o] ?? 0) - (mean[o] as number)) * (gain[o] as number) + (beta[o] as number);
    }),
  };
}

/**
 * A normalization before a layer, moved into its weights (F-2): w' = w * gain over the input channels, and
 * b' = b + factor * sum w * (beta - mean * gain) over everything that an output reads, `factor` as Gemm's alpha. Exact only where no padding is read, or where
 * the normalization maps 0 to 0.
 */
export function foldBefore(
  weights: ArrayLike<number>,
  bias: ArrayLike<number> | null,
  layout: WeightLayout,
  { mean, gain, beta }: ChannelAffine,
  factor = 1,
): FoldedWeights {
  const sums = new Float64Array(layout.outputs);
  const errors = new Float64Array(layout.outputs); // Neumaier's: terms of both signs may cancel
  const folded = new Float64Array(weights.length);
  for (let i = 0; i < folded.length; i++) {
    const w = weights[i] as number;
    const channel = layout.in(i);
    const o = layout.out(i);
    const term = w * ((beta[channel] as number) - (mean[channel] as number) * (gain[channel] as number));
    const sum = sums[o] as number;
    const next = sum + term;
    errors[o] = (errors[o] as number) + (Math.abs(sum) >= Math.abs(term) ? sum - next + term : term - next + sum);
    sums[o] = next;
    folded[i] = w * (gain[channel] as number);
  }
  const total = sums.map((sum, o) => (bias?.[o] ?? 0) + factor * (sum + (errors[o] as number)));
  return { weights: folded, bias: total };
}
