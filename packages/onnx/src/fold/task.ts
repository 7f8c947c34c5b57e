import type { NormRecord } from "../layers/record.ts";
import type { ChannelAffine } from "./affine.ts";
import { type FoldedWeights, foldBefore, foldBehind, type WeightLayout } from "./weights.ts";

/** A layer before folding, and the normalizations to be folded into it, in order. */
export interface FoldTask {
  readonly label: string;
  readonly layout: WeightLayout;
  /** The dimensions of the weights, as in the file. */
  readonly dims: readonly number[];
  readonly weights: ArrayLike<number>;
  /** One value per output, as the operator adds it; null if there is none. */
  readonly bias: ArrayLike<number> | null;
  /** The number by which the operator multiplies its bias: Gemm's beta. */
  readonly biasFactor: number;
  /** The number by which it multiplies every product: Gemm's alpha. */
  readonly factor: number;
  readonly steps: readonly FoldStep[];
}

/** One map to be folded into a layer. Maps after the layer are listed nearest first, and so are those before it. */
export interface FoldStep {
  readonly side: "before" | "behind";
  readonly affine: ChannelAffine;
  /** null for a product or sum with constants. */
  readonly norm: NormRecord | null;
  /** The name of its node or layer; for a node without a name, the name of its output tensor. */
  readonly name: string;
}

/** The weights that a tool made of it. */
export interface FoldAttempt {
  readonly label: string;
  readonly weights: ArrayLike<number>;
  readonly bias: ArrayLike<number> | null;
  /** The number by which its operator multiplies every product: Gemm's alpha. Default 1. */
  readonly factor?: number;
  /** The unit roundoff of the type that they are stored in. */
  readonly u: number;
  /** Half of the type's smallest number, which is the additional error of a value that underflows. Default 0. */
  readonly smallest?: number;
}

/** The right weights, in float64. */
export function rightFold({ weights, bias, layout, steps, factor }: FoldTask): FoldedWeights {
  let now: FoldedWeights = { weights: Float64Array.from(weights), bias: plain(bias, layout.outputs) };
  for (const { side, affine } of steps) {
    now =
      side === "behind"
        ? foldBehind(now.weights, now.bias, layout, affine)
        : foldBefore(now.weights, now.bias, layout, affine, factor);
  }
  return now;
}

/** A bias per output, 0 if there is none. */
export function plain(bias: ArrayLike<number> | null, outputs: number): Float64Array {
  return bias === null ? new Float64Array(outputs) : Float64Array.from(bias);
}
