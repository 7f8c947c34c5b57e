import type { Backend, DeviceBuffer, Dtype, Moments, Sums } from "./backend.ts";
import { type Blob, createBlob } from "./blob.ts";
import type { BlobName } from "./layer-state.ts";
import { acquire, fill, type Memory, memoryOf, want } from "./memory.ts";
import { checkSynchronises, type Member } from "./ranks/member.ts";
import { createRanks, type Ranks } from "./ranks/ranks.ts";
import { checkShape, type Shape } from "./shape.ts";

/**
 * The state that setUp creates and the layer keeps until the next setUp. It depends only on the backend and the number
 * of channels.
 */
export interface BatchNormState {
  readonly backend: Backend;
  readonly dtype: Dtype;
  readonly channels: number;
  readonly blobs: readonly Blob[];
  /** The memory of the blobs: mean, variance, factor [, gamma [, beta]]. */
  readonly params: readonly Memory[];
  readonly shapes: readonly Shape[];
  readonly stats: Moments<DeviceBuffer>;
  readonly sums: Sums<DeviceBuffer>;
  /** The ranks of a synchronised layer. */
  readonly ranks: Ranks | null;
  /** Resources that the layer frees. */
  readonly owned: readonly Disposable[];
}

/** Initial values of gamma and beta, or null if the layer has neither. */
export type FirstValues = { readonly gamma: number; readonly beta: number | null } | null;

export function namesOf(affine: FirstValues): readonly BlobName[] {
  const statistics = ["mean", "variance", "factor"] as const;
  if (affine === null) return statistics;
  return affine.beta === null ? [...statistics, "gamma"] : [...statistics, "gamma", "beta"];
}

export function shapesOf(channels: number, names: readonly BlobName[]): readonly Shape[] {
  return names.map((name) => checkShape("setUp", [name === "factor" ? 1 : channels]));
}

/**
 * Creates the scratch for the channels of `x`, and the layer's blobs: those `given`, or new ones of `shapes`, with
 * gamma and beta filled with `values`. `member` is the layer as its ranks know it. If memory runs out, nothing is kept.
 */
export function createState(
  x: Memory,
  channels: number,
  shapes: readonly Shape[],
  given: readonly Blob[] | null,
  values: FirstValues,
  member: Member | null,
): BatchNormState {
  const { backend, dtype } = x;
  if (member !== null) checkSynchronises(member.fail, backend);
  const owned: Disposable[] = [];
  const own = <T extends Disposable>(resource: T): T => {
    owned.push(resource);
    return resource;
  };
  const scratch = () => own(backend.alloc(dtype, channels));
  try {
    const stats = { mean: scratch(), variance: scratch() };
    const sums = { dy: scratch(), dyXhat: scratch() };
    const split = member && { mean: scratch(), meanLow: scratch(), m2: scratch() };
    const ranks = member && split && createRanks(member, backend, dtype, channels, split);
    const blobs = given ?? shapes.map((shape) => own(createBlob(backend, shape, dtype)));
    const params = blobs.map((blob) => memoryOf(blob) as Memory);
    acquire(
      backend,
      dtype,
      params.map((memory) => want(memory, "data")),
      null,
    );
    if (given === null && values !== null) {
      fill(params[3], values.gamma);
      fill(params[4], values.beta ?? 0);
    }
    return { backend, dtype, channels, blobs: Object.freeze([...blobs]), params, shapes, stats, sums, ranks, owned };
  } catch (error) {
    for (const resource of owned) resource[Symbol.dispose]();
    throw error;
  }
}
