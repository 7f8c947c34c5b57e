import { each } from "../truth/oracle.ts";
import type { Truth } from "../truth/truth.ts";
import type { Output } from "./outputs.ts";
import { seenBy } from "./seen.ts";
import type { GoldenCase, GoldenLayer } from "./types.ts";

/**
 * A case in which Caffe's value is not the right one (G-5): when it applies, by parameters and geometry, and why. The
 * comparison carries it as a note.
 */
export interface Exception {
  readonly reason: string;
  applies(layer: GoldenLayer, output: Output): boolean;
}

export const EXCEPTIONS = {
  /** scale_layer.cpp assigns the diff of a learnt scale in these geometries instead of adding to it. */
  overwritten: {
    reason: "Caffe overwrites this diff; right is the sum since the last clear (S-7)",
    applies: (layer, { kind, part, layerGeometry: { outer, channels, inner } }) =>
      layer.type === "Scale" &&
      layer.numBottoms === 1 &&
      kind === "blobDiff" &&
      part === 0 &&
      outer === 1 &&
      (inner === 1 || channels > 1),
  },
  /**
   * batch_norm_layer.cpp multiplies the sums by fraction 0 through BLAS, and some BLAS libraries treat 0 * NaN as 0.
   */
  forgotten: {
    reason: "fraction 0 times NaN is NaN (IEEE 754, BN-7); Caffe's BLAS made it 0, which is accepted too",
    applies: (layer, { kind, part }) =>
      layer.type === "BatchNorm" &&
      !layer.effective.useGlobalStats &&
      layer.effective.fraction === 0 &&
      kind === "blob" &&
      part < 2,
  },
  /** Exactly 0 / 0. The result depends on the rounding of Caffe's deviations. */
  indeterminate: {
    reason: "variance and eps are 0, so this is 0 / 0, NaN; Caffe divided what rounding left of them",
    applies: (layer, { kind }) =>
      layer.type === "BatchNorm" && layer.effective.eps === 0 && (kind === "top" || kind === "bottomDiff"),
  },
} as const satisfies Record<string, Exception>;

/** The right value of an output. `accepted` holds Caffe's values where the right value, NaN, is not required. */
export interface Right {
  readonly values: ArrayLike<number>;
  readonly accepted?: ArrayLike<number>;
  readonly note?: string;
}

/**
 * Caffe's values of an output, corrected by the exceptions that apply. `truth` is the value that they should be near.
 */
export function rightValues(one: GoldenCase, output: Output, truth: Truth): Right {
  const layer = one.layers[output.layer] as GoldenLayer;
  const { overwritten, forgotten, indeterminate } = EXCEPTIONS;
  const caffe = output.tensor.data;
  if (overwritten.applies(layer, output)) {
    const before = seenBy(one, output.step, output.layer).blobDiffs?.[output.part]?.data;
    if (!before) return { values: caffe };
    return { values: Float64Array.from(caffe, (added, c) => (before[c] as number) + added), note: overwritten.reason };
  }
  if (forgotten.applies(layer, output)) {
    const before = seenBy(one, output.step, output.layer).blobs[output.part]?.data;
    const right = withNaN(output, forgotten.reason, (c) => Number.isNaN(before?.[c]));
    return right.note ? { ...right, accepted: caffe } : right;
  }
  if (indeterminate.applies(layer, output)) {
    const kept = channelsWithNaN(output);
    return withNaN(output, indeterminate.reason, (i, c) => Number.isNaN(truth.expected[i]) && !kept.has(c));
  }
  return { values: caffe };
}

/** Caffe's values with NaN instead of the numbers that `where` selects. */
function withNaN({ tensor, geometry }: Output, note: string, where: (i: number, channel: number) => boolean): Right {
  const values = Float64Array.from(tensor.data);
  let changed = false;
  each(geometry, (i, c) => {
    if (Number.isNaN(values[i]) || !where(i, c)) return;
    values[i] = Number.NaN;
    changed = true;
  });
  return changed ? { values, note } : { values: tensor.data };
}

/**
 * 0 / 0 concerns a whole channel: if Caffe's channel has a NaN, a number in the same channel is not a rounding error.
 */
function channelsWithNaN({ tensor, geometry }: Output): Set<number> {
  const found = new Set<number>();
  each(geometry, (i, c) => {
    if (Number.isNaN(tensor.data[i])) found.add(c);
  });
  return found;
}
