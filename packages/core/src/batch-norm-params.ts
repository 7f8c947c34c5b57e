import type { Blob } from "./blob.ts";
import type { Communicator } from "./communicator/communicator.ts";
import { BnError } from "./errors.ts";
import { type Filler, fillerValue } from "./filler.ts";
import type { LayerParams, Phase } from "./layer.ts";
import { BATCH_NORM_RULES, BATCH_NORM_SCALE_RULES, ELSEWHERE } from "./layer-rules.ts";
import { readOptions } from "./options.ts";

/** BatchNormParameter of caffe.proto, and four of ours: `phase`, `updateStats`, `axis`, `communicator`. */
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
  /**
   * The ranks that normalize their batches as one: batch statistics, and the sums of the backward, are over the values of all of
   * them. Each forward with batch statistics and its backward are then calls that all ranks make; an empty batch takes part.
   * Default: this process alone.
   */
  communicator?: Communicator;
}

/** BatchNorm with the parameters of the Scale that follows it. */
export interface BatchNormScaleParams extends BatchNormParams {
  /** gamma's first value. Default 1; an empty filler gives 0. */
  filler?: Filler;
  /** Learn beta too. Default false. */
  biasTerm?: boolean;
  /** beta's first value. Default 0. */
  biasFiller?: Filler;
  /**
   * With a communicator: gamma and beta get the gradients of all ranks' values. Default false: those of this rank's own, which
   * data-parallel training adds up as it does those of all other weights.
   */
  globalGradients?: boolean;
}

/** The parameters with their defaults, checked and rounded. */
export interface BatchNormSettings {
  /** Unset, `phase` decides. */
  readonly useGlobalStats: boolean | null;
  readonly phase: Phase;
  readonly updateStats: boolean;
  readonly fraction: number;
  readonly eps: number;
  readonly axis: number;
  readonly blobs: readonly Blob[] | null;
  readonly communicator: Communicator | null;
  readonly globalGradients: boolean;
  /** The first values of gamma and beta; null for BatchNorm alone. */
  readonly affine: { readonly gamma: number; readonly beta: number | null } | null;
}

/** Throws `ERR_BN_PARAM` for what is unknown or out of range. */
export function settingsOf(where: string, params: BatchNormScaleParams, scaled: boolean): BatchNormSettings {
  const rules = scaled ? BATCH_NORM_SCALE_RULES : BATCH_NORM_RULES;
  const { phase = "train", ...given } = readOptions(where, params, rules, ELSEWHERE);
  if (given.globalGradients !== undefined && !given.communicator) {
    throw new BnError("ERR_BN_PARAM", `${where}: globalGradients needs a communicator; leave it out, or give both`);
  }
  const { filler, biasTerm = false, biasFiller, blobs } = given;
  const gamma = fillerValue(filler, 1);
  const beta = biasTerm ? fillerValue(biasFiller, 0) : null;
  return {
    useGlobalStats: given.useGlobalStats ?? null,
    phase,
    updateStats: given.updateStats ?? true,
    fraction: Math.fround(given.movingAverageFraction ?? 0.999),
    eps: Math.fround(given.eps ?? 1e-5),
    axis: given.axis ?? 1,
    blobs: blobs ?? null,
    communicator: given.communicator ?? null,
    globalGradients: given.globalGradients ?? false,
    affine: scaled ? { gamma, beta } : null,
  };
}
