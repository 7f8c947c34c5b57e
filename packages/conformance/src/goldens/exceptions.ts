import { each } from "../truth/oracle.ts";
import type { Output } from "./outputs.ts";
import type { Tracked } from "./tracked.ts";
import type { GoldenCase, GoldenLayer } from "./types.ts";

/** Where Caffe's value is not the right one (G-5): when, by parameters and geometry, and why. A comparison notes it. */
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
  /** batch_norm_layer.cpp scales the sums by fraction 0 through BLAS, some of which take 0 * NaN for 0. */
  forgotten: {
    reason: "fraction 0 times NaN is NaN (IEEE 754, BN-7); Caffe's BLAS made it 0, which is accepted too",
    applies: (layer, { kind, part }) =>
      layer.type === "BatchNorm" &&
      !layer.effective.useGlobalStats &&
      layer.effective.fraction === 0 &&
      kind === "blob" &&
      part < 2,
  },
  /** Exactly 0 / 0: whatever rounding left in Caffe's deviations decides what comes of it. */
  indeterminate: {
    reason: "variance and eps are 0, so this is 0 / 0, NaN; Caffe divided what rounding left of them",
    applies: (layer, { kind }) =>
      layer.type === "BatchNorm" && layer.effective.eps === 0 && (kind === "top" || kind === "bottomDiff"),
  },
} as const satisfies Record<string, Exception>;

/** What an output should be. `accepted` holds Caffe's values where the right one, NaN, is not required. */
export interface Right {
  readonly values: ArrayLike<number>;
  readonly accepted?: ArrayLike<number>;
  readonly note?: string;
}

/** Caffe's outputs, corrected where an exception applies; `truth` is the replay of the same case. */
export function rightValues(one: GoldenCase, outputs: readonly Output[], truth: readonly Tracked[]): Right[] {
  const diffs = accumulated(one);
  const before = new Map<string, ArrayLike<number>>();
  return outputs.map((output, i) => {
    const layer = one.layers[output.layer] as GoldenLayer;
    const { overwritten, forgotten, indeterminate } = EXCEPTIONS;
    if (output.kind === "blobDiff") return diffs(output, overwritten.applies(layer, output));
    const values = output.tensor.data;
    let right: Right = { values };
    if (forgotten.applies(layer, output)) {
      right = withNaN(output, forgotten.reason, (k) => Number.isNaN(before.get(keyOf(output))?.[k]));
      if (right.note) right = { ...right, accepted: values };
    } else if (indeterminate.applies(layer, output)) {
      const kept = channelsWithNaN(output);
      const lost = (truth[i] as Tracked).value;
      const reason = indeterminate.reason;
      right = withNaN(output, reason, (k, c) => Number.isNaN(lost[k]) && !kept.has(c));
    }
    before.set(keyOf(output), right.values);
    return right;
  });
}

function keyOf({ layer, kind, part }: Output): string {
  return `${layer} ${kind} ${part}`;
}

/** Caffe's values with NaN in place of the numbers that `where` picks. */
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

/** 0 / 0 concerns a whole channel: where Caffe itself has one NaN, a number beside it is no rounding. */
function channelsWithNaN({ tensor, geometry }: Output): Set<number> {
  const found = new Set<number>();
  each(geometry, (i, c) => {
    if (Number.isNaN(tensor.data[i])) found.add(c);
  });
  return found;
}

/**
 * The sums since the last clear: the previous right value and what Caffe's step added, which is all of its value where
 * it overwrote. Caffe's own value where no step since the clear was overwritten.
 */
function accumulated({ steps }: GoldenCase): (output: Output, overwritten: boolean) => Right {
  const before = new Map<string, { caffe: ArrayLike<number>; right: ArrayLike<number> }>();
  let seen = 0;
  return ({ step, layer, part, tensor }, overwritten) => {
    for (; seen < step; seen++) if (steps[seen]?.op === "clear_param_diffs") before.clear();
    const key = `${layer} ${part}`; // of blob diffs alone
    const last = before.get(key);
    const caffe = tensor.data;
    let right: ArrayLike<number> = caffe;
    if (last && (overwritten || last.right !== last.caffe)) {
      right = Float64Array.from(caffe, (value, k) => {
        const added = overwritten ? value : value - (last.caffe[k] as number);
        return (last.right[k] as number) + added;
      });
    }
    before.set(key, { caffe, right });
    return right === caffe ? { values: right } : { values: right, note: EXCEPTIONS.overwritten.reason };
  };
}
