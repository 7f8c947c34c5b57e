import type { NormRecord } from "../layers/record.ts";
import type { ChannelAffine } from "./affine.ts";
import { type FoldedWeights, foldBefore, foldBehind, type WeightLayout } from "./weights.ts";

/** A layer before anybody folded into it, and the normalizations that belong into it, in order. */
export interface FoldTask {
  readonly label: string;
  readonly layout: WeightLayout;
  /** The sizes of the weights, as the file has them. */
  readonly dims: readonly number[];
  readonly weights: ArrayLike<number>;
  /** One value per output, as the operator adds it; null where there is none. */
  readonly bias: ArrayLike<number> | null;
  /** What the operator multiplies its bias by: Gemm's beta. */
  readonly biasFactor: number;
  /** What it multiplies every product by: Gemm's alpha. */
  readonly factor: number;
  readonly steps: readonly FoldStep[];
}

/** One map that goes into a layer. Those behind it come nearest first, those before it too. */
export interface FoldStep {
  readonly side: "before" | "behind";
  readonly affine: ChannelAffine;
  /** null for a product or sum with constants. */
  readonly norm: NormRecord | null;
  /** The name of its node or layer; for a node without a name, that of its output tensor. */
  readonly name: string;
}

/** What somebody made of it. */
export interface FoldAttempt {
  readonly label: string;
  readonly weights: ArrayLike<number>;
  readonly bias: ArrayLike<number> | null;
  /** What its operator multiplies every product by: Gemm's alpha. Default 1. */
  readonly factor?: number;
  /** Unit roundoff of the type that they are stored in. */
  readonly u: number;
  /** Half of the type's smallest number, by which whatever underflows may err in addition. Default 0. */
  readonly smallest?: number;
}

/** The weights that are right, in float64. */
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

/** A bias per output, 0 where there is none. */
export function plain(bias: ArrayLike<number> | null, outputs: number): Float64Array {
  return bias === null ? new Float64Array(outputs) : Float64Array.from(bias);
}
