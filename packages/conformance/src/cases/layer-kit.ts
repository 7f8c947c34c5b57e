import {
  type Backend,
  type Blob,
  createBlob,
  type DeviceBuffer,
  type Dtype,
  type Geometry,
  type HostArray,
  type Layer,
} from "@bn/core";
import type { Case, Comparison, Needs } from "../case.ts";
import { type Precision, precisionOf } from "../truth/bounds.ts";
import { dd } from "../truth/dd.ts";
import { channelsOf, type GammaBeta, type RunningStats } from "../truth/oracle.ts";
import { factors, normals } from "./data.ts";
import { withoutFused } from "./without-fused.ts";

/** The objects that a case creates. They are disposed when it ends, even if it throws. */
export interface Scope {
  readonly backend: Backend;
  blob(shape?: readonly number[]): Blob;
  /** A blob that holds `values`. */
  filled(shape: readonly number[], values: ArrayLike<number>): Blob;
  /** A buffer with so many elements, or one that holds these values. */
  buffer(values: number | HostArray): DeviceBuffer;
  own<T extends { dispose(): void }>(resource: T): T;
}

export async function withScope<T>(backend: Backend, dtype: Dtype, use: (scope: Scope) => Promise<T>): Promise<T> {
  const owned: { dispose(): void }[] = [];
  const own = <R extends { dispose(): void }>(resource: R): R => {
    owned.push(resource);
    return resource;
  };
  const blob = (shape?: readonly number[]) => own(createBlob(backend, shape, dtype));
  const filled = (shape: readonly number[], values: ArrayLike<number>) => {
    const made = blob(shape);
    made.write(values);
    return made;
  };
  const buffer = (values: number | HostArray) => {
    const made = own(backend.alloc(dtype, typeof values === "number" ? values : values.length));
    if (typeof values !== "number") backend.write(made, values);
    return made;
  };
  try {
    return await use({ backend, blob, filled, buffer, own });
  } finally {
    for (const resource of owned.reverse()) resource.dispose();
  }
}

/** What a case works with: its resources, its dtype, and its id, from which it draws its data. */
export interface Tools extends Scope {
  readonly dtype: Dtype;
  readonly p: Precision;
  readonly id: string;
  /** Sets `layer` up on one bottom, which holds `x`, and one top, which is the bottom in place. */
  single(layer: Layer, shape: readonly number[], x?: ArrayLike<number> | null, inPlace?: boolean): Single;
}

export type Run = (t: Tools) => Promise<Comparison[]>;

/** A layer with one bottom and one top, which are the same blob in place. */
export interface Single {
  readonly layer: Layer;
  readonly bottom: Blob;
  readonly top: Blob;
  /** Writes blobs[first] and those after it. */
  write(first: number, ...values: readonly ArrayLike<number>[]): void;
  forward(): void;
  /** Runs backward from dy. `down` is propagateDown. */
  backward(dy: ArrayLike<number>, down?: boolean): void;
  /** The data of blobs[i]. */
  read(i: number): Promise<HostArray>;
  readDiff(i: number): Promise<HostArray>;
}

function singleOf(
  scope: Scope,
  layer: Layer,
  shape: readonly number[],
  x: ArrayLike<number> | null,
  inPlace: boolean,
): Single {
  scope.own(layer);
  const bottom = x ? scope.filled(shape, x) : scope.blob(shape);
  const top = inPlace ? bottom : scope.blob();
  layer.setUp([bottom], [top]);
  return {
    layer,
    bottom,
    top,
    write(first, ...values) {
      for (const [i, value] of values.entries()) blobOf(layer, first + i).write(value);
    },
    forward: () => layer.forward([bottom], [top]),
    backward(dy, down = true) {
      top.writeDiff(dy);
      layer.backward([top], [down], [bottom]);
    },
    read: (i) => blobOf(layer, i).read(),
    readDiff: (i) => blobOf(layer, i).readDiff(),
  };
}

export function blobOf({ type, blobs }: Layer, i: number): Blob {
  const blob = blobs[i];
  if (!blob) throw new Error(`${type} has ${blobs.length} blobs, and no blobs[${i}]`);
  return blob;
}

/** A case in one dtype, whose resources are disposed when it ends. Without `fused`, the layers call the single kernels. */
export function scopedCase(
  given: Omit<Case, "needs" | "run"> & {
    readonly dtype: Dtype;
    readonly needs?: Needs | undefined;
    readonly fused?: boolean;
  },
  run: Run,
): Case {
  const { id, group, clause, dtype, needs, fused = true } = given;
  return {
    id,
    group,
    clause,
    needs: { dtype, ...(fused ? {} : { fused: true }), ...needs },
    run: ({ backend }) =>
      withScope(fused ? backend : withoutFused(backend), dtype, (scope) => {
        const single: Tools["single"] = (layer, shape, x = null, inPlace = false) =>
          singleOf(scope, layer, shape, x, inPlace);
        return run({ ...scope, dtype, p: precisionOf(dtype, backend.supports), id, single });
      }),
  };
}

/** [outer][channels][inner] of a BatchNorm's bottom, derived from the text of BN-1 alone. */
export function geometryOf(shape: readonly number[], axis = 1): Geometry {
  const product = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
  if (shape.length === 1 && axis === 1) return { outer: shape[0] as number, channels: 1, inner: 1 };
  const at = axis < 0 ? axis + shape.length : axis;
  return { outer: product(shape.slice(0, at)), channels: shape[at] as number, inner: product(shape.slice(at + 1)) };
}

/** The state of a new BatchNorm (BN-4). */
export function freshRunning(channels: number): RunningStats {
  const zeros = channelsOf(new Float64Array(channels));
  return { mean: zeros, variance: zeros, factor: dd(0) };
}

/**
 * gamma and beta of a BatchNormScale from the case's seed, in the form that blobs take and in the form that the oracle
 * takes.
 */
export interface AffineValues {
  readonly gamma: HostArray;
  readonly beta: HostArray;
  readonly truth: GammaBeta;
}

export function affineFor(seed: string, channels: number, dtype: Dtype): AffineValues {
  const gamma = factors(`${seed}|gamma`, channels, dtype);
  const beta = normals(`${seed}|beta`, channels, dtype);
  return { gamma, beta, truth: { gamma: channelsOf(gamma), beta: channelsOf(beta) } };
}
