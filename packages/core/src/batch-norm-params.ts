import type { Blob } from "./blob.ts";
import type { Communicator } from "./communicator/communicator.ts";
import { BnError } from "./errors.ts";
import { type Filler, fillerValue } from "./filler.ts";
import type { LayerParams, Phase } from "./layer.ts";
import { BATCH_NORM_RULES, BATCH_NORM_SCALE_RULES, ELSEWHERE } from "./layer-rules.ts";
import { readOptions } from "./options.ts";

/**
 * BatchNormParameter of caffe.proto, and four options that Caffe lacks: `phase`, `updateStats`, `axis`, `communicator`.
 */
export interface BatchNormParams extends LayerParams {
  /** Default "train". */
  phase?: Phase;
  /** Normalize with the stored statistics instead of the batch's. Default: phase === "test". */
  useGlobalStats?: boolean;
  /** Whether a forward with batch statistics adds them to the stored ones. Default true in both phases, as in Caffe. */
  updateStats?: boolean;
  /** The part of the stored sums that each step keeps, in [0, 1]; rounded to float32. Default 0.999. */
  movingAverageFraction?: number;
  /** Added to the variance, >= 0; rounded to float32. Default 1e-5. */
  eps?: number;
  /** The axis of channels; -1 for channels-last. Default 1, as in Caffe. */
  axis?: number;
  /**
   * The ranks that normalize their batches as one. Batch statistics, and the sums of the backward, are taken over the
   * values of all ranks. All ranks must make each forward that uses batch statistics, and its backward; a rank with an
   * empty batch takes part too. Default: this process alone.
   */
  communicator?: Communicator;
}

/** BatchNorm with the parameters of the Scale that follows it. */
export interface BatchNormScaleParams extends BatchNormParams {
  /** The initial value of gamma. Default 1; an empty filler gives 0. */
  filler?: Filler;
  /** Learn beta too. Default false. */
  biasTerm?: boolean;
  /** The initial value of beta. Default 0. */
  biasFiller?: Filler;
  /**
   * With a communicator: gamma and beta get the gradients of all ranks' values. Default false: each rank gets the
   * gradients of its own values, and data-parallel training adds them up along with those of all other weights.
   */
  globalGradients?: boolean;
}

/** The parameters after their checks, with defaults filled in and values rounded. */
export interface BatchNormSettings {
  /** If null, `phase` decides. */
  readonly useGlobalStats: boolean | null;
  readonly phase: Phase;
  readonly updateStats: boolean;
  readonly fraction: number;
  readonly eps: number;
  readonly axis: number;
  readonly blobs: readonly Blob[] | null;
  readonly communicator: Communicator | null;
  readonly globalGradients: boolean;
  /** The initial values of gamma and beta; null for BatchNorm alone. */
  readonly affine: { readonly gamma: number; readonly beta: number | null } | null;
}

/** Throws `ERR_BN_PARAM` for an option that is unknown or out of range. */
export function settingsOf(where: string, params: BatchNormScaleParams, scaled: boolean): BatchNormSettings {
  const rules = scaled ? BATCH_NORM_SCALE_RULES : BATCH_NORM_RULES;
  const { phase = "train", ...given } = readOptions(where, params, rules, ELSEWHERE);
  if (given.globalGradients !== undefined && !given.communicator) {
    throw new BnError("ERR_BN_PARAM", `${where}: globalGradients needs a communicator; pass both, or neither`);
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
