import type { ChannelAffine } from "./affine.ts";

/**
 * The channels of each element of a weight tensor: the output `out` that it adds to, and the input `in` that it reads.
 */
export interface WeightLayout {
  readonly outputs: number;
  readonly inputs: number;
  out(index: number): number;
  in(index: number): number;
}

/** Weights in float64, to be rounded once when they are stored. */
export interface FoldedWeights {
  readonly weights: Float64Array;
  readonly bias: Float64Array;
}

/**
 * A normalization after a layer, folded into its weights (F-1): w' = w * gain, b' = (b - mean) * gain + beta, each per
 * output channel.
 */
export function foldBehind(
  weights: ArrayLike<number>,
  bias: ArrayLike<number> | null,
  { out, outputs }: WeightLayout,
  { mean, gain, beta }: ChannelAffine,
): FoldedWeights {
  // a loop, because Float64Array.from with a function takes ten times as long
  const folded = new Float64Array(weights.length);
  for (let i = 0; i < folded.length; i++) folded[i] = (weights[i] as number) * (gain[out(i)] as number);
  return {
    weights: folded,
    bias: Float64Array.from({ length: outputs }, (_, o) => {
      return ((bias?.[o] ?? 0) - (mean[o] as number)) * (gain[o] as number) + (beta[o] as number);
    }),
  };
}

/**
 * A normalization before a layer, folded into its weights (F-2): w' = w * gain per input channel, and b' = b + factor *
 * sum w * (beta - mean * gain) over everything that an output reads, with Gemm's alpha as `factor`. It is exact only if
 * no padding is read, or if the normalization maps 0 to 0.
 */
export function foldBefore(
  weights: ArrayLike<number>,
  bias: ArrayLike<number> | null,
  layout: WeightLayout,
  { mean, gain, beta }: ChannelAffine,
  factor = 1,
): FoldedWeights {
  const sums = new Float64Array(layout.outputs);
  const errors = new Float64Array(layout.outputs); // Neumaier's sum, because terms of both signs may cancel
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
