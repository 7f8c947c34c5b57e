import {
  type Backend,
  type BatchNormLayer,
  type Blob,
  BnError,
  createBlob,
  type DeviceBuffer,
  type Dtype,
  type Geometry,
  type HostArray,
  type Layer,
} from "@bn/core";
import { createRandom, type Random } from "./random.ts";
import type { Stats } from "./reference.ts";

/** The facts that the model remembers about a layer's last successful forward. */
export interface Remembered {
  readonly x: HostArray;
  readonly shape: readonly number[];
  readonly stats: Stats | null;
  readonly batch: boolean;
}

/** A layer under test, with the calls that were made on it. */
export interface Subject {
  readonly layer: Layer;
  readonly norm: BatchNormLayer | null;
  readonly eps: number;
  readonly fraction: number;
  readonly useGlobalStats: boolean | null;
  /** The blobs that it was given. Its setUp writes a state to them that was loaded before. */
  readonly given: readonly Blob[];
  /** The blobs of its last call; most calls use them again. */
  bottom: Blob[];
  top: Blob;
  last: Remembered | null;
  /** True after setUp. */
  ready: boolean;
  /** True after disposal. */
  gone: boolean;
}

export interface World {
  readonly random: Random;
  /** The real backend, except that `alloc` and `reserve` fail when `memory.left` is used up. */
  readonly backend: Backend;
  readonly other: Backend;
  readonly dtypes: readonly Dtype[];
  readonly memory: { left: number };
  /** Everything that was allocated, because blobs leave the world without being disposed. */
  readonly buffers: readonly DeviceBuffer[];
  readonly blobs: Blob[];
  readonly foreign: readonly Blob[];
  readonly subjects: Subject[];
  readonly guards: readonly Blob[];
  /** The forward that succeeded in the last step. */
  fresh: { readonly subject: Subject; readonly bottom: Blob[]; readonly top: Blob } | null;
}

export function createWorld(real: Backend, other: Backend, seed: number): World {
  const memory = { left: Number.POSITIVE_INFINITY };
  const buffers: DeviceBuffer[] = [];
  const ask = () => {
    if (memory.left <= 0) throw new BnError("ERR_BN_MEMORY", "alloc: no memory, as this step wants it");
    memory.left--;
  };
  const backend: Backend = Object.assign(Object.create(real) as Backend, {
    alloc(dtype: Dtype, length: number) {
      ask();
      const buffer = real.alloc(dtype, length);
      buffers.push(buffer);
      return buffer;
    },
    reserve(dtype: Dtype, g: Geometry) {
      ask();
      real.reserve?.(dtype, g);
    },
  });
  const guards = [1, 2, 3].map((value) => {
    const guard = createBlob(backend, [64], real.supports.dtypes[0]);
    guard.write(new Float32Array(64).fill(value));
    guard.writeDiff(new Float32Array(64).fill(-value));
    return guard;
  });
  const foreign = [createBlob(other, [4, 3]), createBlob(other, [3])];
  for (const blob of foreign) blob.write(new Float32Array(blob.count()).fill(7));
  return {
    random: createRandom(seed),
    backend,
    other,
    dtypes: real.supports.dtypes,
    memory,
    buffers,
    blobs: [],
    foreign,
    subjects: [],
    guards,
    fresh: null,
  };
}

export const GONE = Symbol("a buffer that was disposed");

/** The content of a blob, or null if it is disposed. */
export interface Content {
  readonly shape: readonly number[];
  readonly data: HostArray;
  readonly diff: HostArray;
  /** The identities of buffers, to find blobs that share memory. */
  readonly buffers: readonly unknown[];
}
export type Snapshot = ReadonlyMap<Blob, Content | null>;

/** Every blob that the step could reach, and the guards. */
export function watched({ blobs, foreign, subjects, guards }: World): Set<Blob> {
  const held = subjects.flatMap(({ layer, bottom, top }) => [...layer.blobs, ...bottom, top]);
  return new Set([...guards, ...blobs, ...foreign, ...held]);
}

/** Reads everything as of one moment. */
export async function snapshot(world: World): Promise<Snapshot> {
  const all = await Promise.all([...watched(world)].map(async (blob) => [blob, await contentOf(blob)] as const));
  return new Map(all);
}

async function contentOf(blob: Blob): Promise<Content | null> {
  if (blob.disposed) return null;
  const [data, diff] = await Promise.all([partOf(blob, "data"), partOf(blob, "diff")]);
  return { shape: blob.shape, data: data.values, diff: diff.values, buffers: [data.buffer, diff.buffer] };
}

/** One buffer of a blob and its values, which are absent if the buffer was disposed. */
async function partOf(blob: Blob, part: "data" | "diff"): Promise<{ buffer: unknown; values: HostArray }> {
  try {
    return { buffer: blob[part], values: await (part === "data" ? blob.read() : blob.readDiff()) };
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ERR_BN_DISPOSED") throw error;
    return { buffer: GONE, values: new Float32Array(0) };
  }
}

/** A text that describes the differences of a blob between two snapshots, or null. */
export function changeOf(before: Content | null | undefined, after: Content | null | undefined): string | null {
  if (!before || !after)
    return before === after ? null : `was ${before ? "alive" : "gone"}, is ${after ? "alive" : "gone"}`;
  if (`${before.shape}` !== `${after.shape}`) return `had shape [${before.shape}], has [${after.shape}]`;
  for (const part of ["data", "diff"] as const) {
    const [a, b] = [before[part], after[part]];
    if (a.length !== b.length) return `${part} had ${a.length} values, has ${b.length}`;
    for (let i = 0; i < a.length; i++) {
      if (!Object.is(a[i], b[i])) return `${part}[${i}] was ${a[i]}, is ${b[i]}`;
    }
  }
  return null;
}
