import type { NormRecord } from "../layers/record.ts";
import type { ChannelAffine } from "./affine.ts";
import { type FoldedWeights, foldBefore, foldBehind, type WeightLayout } from "./weights.ts";

/** A layer before anybody folded into it, and the normalizations that belong into it, in order. */
export interface FoldTask {
  readonly label: string;
  readonly layout: WeightLayout;
  readonly weights: ArrayLike<number>;
  /** One value per output, as the operator adds it; null where there is none. */
  readonly bias: ArrayLike<number> | null;
  /** What the operator multiplies its bias by: Gemm's beta. */
  readonly biasFactor: number;
  readonly steps: readonly {
    readonly side: "before" | "behind";
    readonly affine: ChannelAffine;
    readonly norm: NormRecord | null;
  }[];
}

/** What somebody made of it. */
export interface FoldAttempt {
  readonly label: string;
  readonly weights: ArrayLike<number>;
  readonly bias: ArrayLike<number> | null;
  /** Unit roundoff of the type that they are stored in. */
  readonly u: number;
  /** Half of the type's smallest number, by which whatever underflows may err in addition. Default 0. */
  readonly smallest?: number;
}

/** The weights that are right, in float64. */
export function rightFold({ weights, bias, layout, steps }: FoldTask): FoldedWeights {
  let now: FoldedWeights = { weights: Float64Array.from(weights), bias: plain(bias, layout.outputs) };
  for (const { side, affine } of steps) {
    const fold = side === "behind" ? foldBehind : foldBefore;
    now = fold(now.weights, now.bias, layout, affine);
  }
  return now;
}

/** A bias per output, 0 where there is none. */
export function plain(bias: ArrayLike<number> | null, outputs: number): Float64Array {
  return bias === null ? new Float64Array(outputs) : Float64Array.from(bias);
}
