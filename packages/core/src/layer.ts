import type { Blob } from "./blob.ts";
import { BnError, type BnErrorCode } from "./errors.ts";
import type { LayerState, LoadableState } from "./layer-state.ts";

/** Selects batch or global statistics when `useGlobalStats` is unset, as in Caffe. */
export type Phase = "train" | "test";

/**
 * Caffe's Layer. Errors throw at the call, out of memory included, and a call that throws has changed nothing; results are
 * there when `blob.read()` resolves. `top[0] === bottom[0]` makes a layer work in place.
 *
 * A layer remembers its last forward, and backward continues that one. For several inputs (siamese networks) make a layer per
 * input that shares the first one's `blobs`: gradients add up, and statistics too.
 *
 * Source: Caffe layer.hpp; docs/spec.md L-1 to L-12.
 *
 * @example
 * ```ts
 * import { createBatchNormScale, createBlob } from "@bn/core";
 * import { createCpu } from "@bn/cpu";
 * const cpu = await createCpu();
 * const [a, b, ya, yb] = [createBlob(cpu, [4, 1]), createBlob(cpu, [4, 1]), createBlob(cpu), createBlob(cpu)];
 * a.write([1, 2, 3, 6]);
 * b.write([0, 0, 0, 4]);
 * const first = createBatchNormScale();
 * first.setUp([a], [ya]);
 * const second = createBatchNormScale({ blobs: first.blobs }); // the same statistics and gamma
 * second.setUp([b], [yb]);
 * first.forward([a], [ya]);
 * second.forward([b], [yb]);
 * ya.writeDiff([1, 0, 0, 0]);
 * yb.writeDiff([0, 0, 0, 1]);
 * second.backward([yb], [true], [b]);
 * first.backward([ya], [true], [a]);
 * console.log(await first.gamma!.readDiff()); // Float32Array(1) [ 0.663 ]
 * ```
 */
export interface Layer extends Disposable {
  readonly type: string;
  readonly name: string;
  /** Persistent state in Caffe's order; empty before `setUp`. Blobs passed as a parameter stay their creator's. */
  readonly blobs: readonly Blob[];
  /** The learnt scale among `blobs`, null before `setUp` or where there is none. */
  readonly gamma: Blob | null;
  /** The learnt bias among `blobs`, null before `setUp` or where there is none. */
  readonly beta: Blob | null;
  /**
   * Checks parameters against bottom, creates `blobs` unless they were given, and reshapes top. Called again, it makes new
   * state; until that is allocated the old one stays, so both need memory for a moment.
   */
  setUp(bottom: readonly Blob[], top: readonly Blob[]): void;
  /** Gives top bottom's shape. The number of channels may not change. */
  reshape(bottom: readonly Blob[], top: readonly Blob[]): void;
  /** Queues top.data from bottom.data; reshapes first, as Caffe does. */
  forward(bottom: readonly Blob[], top: readonly Blob[]): void;
  /**
   * Queues bottom[i].diff, where propagateDown[i], from top.diff; gradients of learnt `blobs` add into their diffs.
   * Continues the last forward: bottom and top are its, and bottom's data must be what it saw unless the layer works in place.
   * Top's data may have been overwritten.
   */
  backward(top: readonly Blob[], propagateDown: readonly boolean[], bottom: readonly Blob[]): void;
  /** Sets the diffs of all `blobs` to zero (Net::ClearParamDiffs). */
  clearParamDiffs(): void;
  /**
   * A copy of the layer's state by name, without the layer's parameters: typed arrays and plain objects, which structured
   * clone takes; `load` also takes it back from JSON. Throws `ERR_BN_STATE` before `setUp`.
   */
  state(): Promise<LayerState>;
  /**
   * Writes a `state()` into `blobs`, given ones too, at once or at the next `setUp`. A fused layer also takes the state of a
   * BatchNorm (statistics alone) or of a Scale (gamma and beta alone). Everything is checked before anything changes:
   * `ERR_BN_PARAM` for what is not a state of this layer, `ERR_BN_SHAPE` for another number of channels.
   */
  load(state: LoadableState): void;
  /** Frees what the layer created. A second call does nothing. Bottom, top and given blobs are not touched. */
  dispose(): void;
}

/** BatchNorm, and BatchNormScale: layers with statistics. */
export interface BatchNormLayer extends Layer {
  /** May be changed between calls; forward uses it where `useGlobalStats` is unset, and backward what its forward used. */
  phase: Phase;
  /** May be changed between calls: whether a forward with batch statistics folds them into the stored ones. */
  updateStats: boolean;
  /**
   * The stored mean per channel, blobs[0] / blobs[2]: what a forward with stored statistics subtracts, 0 where none was stored
   * (BN-6). Of the layer's dtype.
   */
  mean(): Promise<Float32Array | Float64Array>;
  /** The stored variance per channel, blobs[1] / blobs[2], unbiased as Caffe stores it (BN-7). */
  variance(): Promise<Float32Array | Float64Array>;
}

/** What every layer's parameters share. */
export interface LayerParams {
  /** Stands in every error message. */
  name?: string;
  /** The layer's state, shared with another layer of the same backend: its creator disposes it. */
  blobs?: readonly Blob[];
}

export const NO_BLOBS: readonly Blob[] = Object.freeze([]);

/** Throws `code` as `Type "name" method: what`. */
export type Fail = (method: string, what: string, code?: BnErrorCode) => never;

export function failFor(type: string, name: string): Fail {
  return (method, what, code = "ERR_BN_SHAPE") => {
    throw new BnError(code, `${whereOf(type, name, method)}: ${what}`);
  };
}

export function whereOf(type: string, name: string, method: string): string {
  return name === "" ? `${type} ${method}` : `${type} "${name}" ${method}`;
}
