import { type Backend, type Blob, createBlob, type Dtype, type Geometry, type HostArray } from "@bn/core";
import { dd } from "../truth/dd.ts";
import { channelsOf, type GammaBeta, type RunningStats } from "../truth/oracle.ts";
import { factors, normals } from "./data.ts";

/** The objects that a case creates. They are disposed when it ends, even if it throws. */
export interface Scope {
  readonly backend: Backend;
  blob(shape?: readonly number[], dtype?: Dtype): Blob;
  /** A blob that holds `values`. */
  filled(shape: readonly number[], values: ArrayLike<number>, dtype?: Dtype): Blob;
  own<T extends { dispose(): void }>(resource: T): T;
}

export async function withScope<T>(backend: Backend, dtype: Dtype, use: (scope: Scope) => Promise<T>): Promise<T> {
  const owned: { dispose(): void }[] = [];
  const own = <R extends { dispose(): void }>(resource: R): R => {
    owned.push(resource);
    return resource;
  };
  const blob = (shape?: readonly number[], type = dtype) => own(createBlob(backend, shape, type));
  const filled = (shape: readonly number[], values: ArrayLike<number>, type = dtype) => {
    const made = blob(shape, type);
    made.write(values);
    return made;
  };
  try {
    return await use({ backend, blob, filled, own });
  } finally {
    for (const resource of owned.reverse()) resource.dispose();
  }
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
