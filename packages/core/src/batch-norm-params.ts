import { type Filler, fillerValue } from "./filler.ts";
import type { Fail, LayerParams, Phase } from "./layer.ts";

/** BatchNormParameter of caffe.proto, and three of ours: `phase`, `updateStats`, `axis`. */
export interface BatchNormParams extends LayerParams {
  /** Default "train". */
  phase?: Phase;
  /** Normalize with the stored statistics instead of the batch's. Default: phase === "test". */
  useGlobalStats?: boolean;
  /** With batch statistics: fold them into the stored ones. Default true, in either phase, as in Caffe. */
  updateStats?: boolean;
  /** What is left of the stored sums at each step, in [0, 1]; rounded to float32. Default 0.999. */
  movingAverageFraction?: number;
  /** Added to the variance, >= 0; rounded to float32. Default 1e-5. */
  eps?: number;
  /** The axis of channels; -1 for channels-last. Default 1, as in Caffe. */
  axis?: number;
}

/** BatchNorm with the parameters of the Scale that follows it. */
export interface BatchNormScaleParams extends BatchNormParams {
  /** gamma's first value. Default 1; an empty filler gives 0. */
  filler?: Filler;
  /** Learn beta too. Default false. */
  biasTerm?: boolean;
  /** beta's first value. Default 0. */
  biasFiller?: Filler;
}

/** The parameters with their defaults, checked and rounded. */
export interface BatchNormSettings {
  readonly useGlobalStats: boolean;
  readonly updateStats: boolean;
  readonly fraction: number;
  readonly eps: number;
  readonly axis: number;
  /** The first values of gamma and beta; null for BatchNorm alone. */
  readonly affine: { readonly gamma: number; readonly beta: number | null } | null;
}

/** What Scale adds to BatchNorm's parameters. */
export type AffineParams = Pick<BatchNormScaleParams, "filler" | "biasTerm" | "biasFiller">;

/** Throws `ERR_BN_PARAM` for what is out of range. */
export function settingsOf(fail: Fail, params: BatchNormParams, scale: AffineParams | null): BatchNormSettings {
  const { phase = "train", movingAverageFraction = 0.999, eps = 1e-5, axis = 1 } = params;
  const bad = (what: string) => fail("create", what, "ERR_BN_PARAM");
  if (phase !== "train" && phase !== "test") bad(`phase is "${phase}", expected "train" or "test"`);
  if (!Number.isFinite(movingAverageFraction) || movingAverageFraction < 0 || movingAverageFraction > 1) {
    bad(`movingAverageFraction is ${movingAverageFraction}, expected a number from 0 to 1`);
  }
  if (!Number.isFinite(eps) || eps < 0 || Math.fround(eps) === Number.POSITIVE_INFINITY) {
    bad(`eps is ${eps}, expected a finite float32 >= 0`);
  }
  if (!Number.isInteger(axis)) bad(`axis is ${axis}, expected a whole number`);
  return {
    useGlobalStats: params.useGlobalStats ?? phase === "test",
    updateStats: params.updateStats ?? true,
    fraction: Math.fround(movingAverageFraction),
    eps: Math.fround(eps),
    axis,
    affine: scale && firstValues(fail, scale),
  };
}

/** Both fillers are checked, also the one of a bias that is not learnt. */
function firstValues(fail: Fail, { filler, biasTerm = false, biasFiller }: AffineParams) {
  const gamma = fillerValue(fail, "filler", filler, 1);
  const beta = fillerValue(fail, "biasFiller", biasFiller, 0);
  return { gamma, beta: biasTerm ? beta : null };
}
