import type { Blob } from "./blob.ts";
import { BnError, type BnErrorCode } from "./errors.ts";
import type { LayerState, LoadableState } from "./layer-state.ts";

/** Selects batch or global statistics when `useGlobalStats` is unset, as in Caffe. */
export type Phase = "train" | "test";

/**
 * Caffe's Layer. Errors, out of memory included, are thrown by the call itself, and a call that throws has changed
 * nothing. Results are ready when `blob.read()` resolves. `top[0] === bottom[0]` makes a layer work in place.
 *
 * A layer remembers its last forward, and backward continues it. For several inputs (siamese networks), make one layer
 * per input that shares the first one's `blobs`: gradients and statistics then accumulate.
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
  /**
   * Persistent state in Caffe's order; empty before `setUp`. Blobs that were passed as a parameter still belong to
   * their creator.
   */
  readonly blobs: readonly Blob[];
  /** The learnt scale among `blobs`. Null before `setUp`, or if the layer has none. */
  readonly gamma: Blob | null;
  /** The learnt bias among `blobs`. Null before `setUp`, or if the layer has none. */
  readonly beta: Blob | null;
  /**
   * Checks parameters against bottom, creates `blobs` unless they were given, and reshapes top. A second call creates
   * new state. The old state is kept until the new one is allocated, so both need memory for a moment.
   */
  setUp(bottom: readonly Blob[], top: readonly Blob[]): void;
  /** Gives top bottom's shape. The number of channels may not change. */
  reshape(bottom: readonly Blob[], top: readonly Blob[]): void;
  /** Queues top.data from bottom.data; reshapes first, as Caffe does. */
  forward(bottom: readonly Blob[], top: readonly Blob[]): void;
  /**
   * Queues the computation of bottom[i].diff from top.diff for each i with propagateDown[i]. Gradients of learnt
   * `blobs` are added to their diffs. Continues the last forward: bottom and top must be the same, and bottom's data
   * must be unchanged unless the layer works in place. Top's data may have been overwritten.
   */
  backward(top: readonly Blob[], propagateDown: readonly boolean[], bottom: readonly Blob[]): void;
  /** Sets the diffs of all `blobs` to zero (Net::ClearParamDiffs). */
  clearParamDiffs(): void;
  /**
   * Resolves to a copy of the layer's state by name, without the layer's parameters. It consists of typed arrays and
   * plain objects, for structured clone; `load` also accepts it after JSON. Throws `ERR_BN_STATE` before `setUp`.
   */
  state(): Promise<LayerState>;
  /**
   * Writes a `state()` into `blobs`, including given ones, now or at the next `setUp`. A fused layer also takes the
   * state of a BatchNorm (statistics alone) or of a Scale (gamma and beta alone). Everything is checked before anything
   * changes: `ERR_BN_PARAM` if this is not a state of this layer, `ERR_BN_SHAPE` for another number of channels.
   */
  load(state: LoadableState): void;
  /** Frees what the layer created. A second call does nothing. Bottom, top and given blobs are not touched. */
  dispose(): void;
}

/** A layer with statistics: BatchNorm or BatchNormScale. */
export interface BatchNormLayer extends Layer {
  /**
   * May be changed between calls. Forward uses it if `useGlobalStats` is unset; backward uses the value that its
   * forward used.
   */
  phase: Phase;
  /** Whether a forward with batch statistics adds them to the stored ones. May be changed between calls. */
  updateStats: boolean;
  /**
   * The stored mean per channel, blobs[0] / blobs[2]. A forward with stored statistics subtracts it. It is 0 if none
   * was stored (BN-6). The array has the layer's dtype.
   */
  mean(): Promise<Float32Array | Float64Array>;
  /** The stored variance per channel, blobs[1] / blobs[2], unbiased as Caffe stores it (BN-7). */
  variance(): Promise<Float32Array | Float64Array>;
}

/** Parameters that every layer has. */
export interface LayerParams {
  /** The layer's name, which every error message contains. */
  name?: string;
  /** The layer's state, shared with another layer of the same backend. Its creator disposes it. */
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
