import { affineOf } from "./affine.ts";
import type { Affine, Backend, DeviceBuffer, Moments, Running, Sums } from "./backend.ts";
import { type Blob, createBlob } from "./blob.ts";
import { fillBlob } from "./filler.ts";

/** What setUp makes, for as long as the layer lives: it depends on the backend and the number of channels alone. */
export interface BatchNormState {
  readonly backend: Backend;
  readonly channels: number;
  readonly blobs: readonly Blob[];
  readonly stats: Moments<DeviceBuffer>;
  readonly sums: Sums<DeviceBuffer>;
  readonly running: Running<DeviceBuffer>;
  readonly affine: Affine<DeviceBuffer> | null;
  readonly grad: Affine<DeviceBuffer> | null;
}

/**
 * Scratch for the channels of `x`, and the layer's blobs: those `given`, or new ones of `shapes`, in Caffe's order, gamma and
 * beta filled with `values`. What is made is pushed to `owned` as it is made: memory may end at any of it.
 */
export function createState(
  x: Blob,
  channels: number,
  shapes: readonly number[][],
  given: readonly Blob[] | undefined,
  values: { readonly gamma: number; readonly beta: number | null } | null,
  owned: Disposable[],
): BatchNormState {
  const { backend, dtype } = x;
  const own = <T extends Disposable>(resource: T): T => {
    owned.push(resource);
    return resource;
  };
  const scratch = () => own(backend.alloc(dtype, channels));
  const blobs = given ?? shapes.map((shape) => own(createBlob(backend, shape, dtype)));
  const [mean, variance, factor, gamma, beta] = blobs as [Blob, Blob, Blob, Blob?, Blob?];
  const state = {
    backend,
    channels,
    blobs: Object.freeze([...blobs]),
    stats: { mean: scratch(), variance: scratch() },
    sums: { dy: scratch(), dyXhat: scratch() },
    running: runningOf(mean, variance, factor),
    affine: gamma ? affineOf(gamma, beta ?? null, "data") : null,
    grad: gamma ? affineOf(gamma, beta ?? null, "diff") : null,
  };
  if (!given && values) {
    if (gamma) fillBlob(gamma, values.gamma);
    if (beta) fillBlob(beta, values.beta ?? 0);
  }
  return state;
}

/** Looks into the blobs at each use: buffers come into being on first use, and move when a blob grows. */
function runningOf(mean: Blob, variance: Blob, factor: Blob): Running<DeviceBuffer> {
  return {
    get mean() {
      return mean.data;
    },
    get variance() {
      return variance.data;
    },
    get factor() {
      return factor.data;
    },
  };
}
