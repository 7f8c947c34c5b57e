import { expect } from "vitest";
import {
  type Blob,
  type BnErrorCode,
  createBatchNorm,
  createBlob,
  createScale,
  type Dtype,
  type HostArray,
  type Layer,
} from "../../src/index.ts";
import { createPlain, type PlainBackend } from "../plain-backend.ts";

/** Two layers in a valid state, which a wrong call must not change (L-1). */
export interface Desk {
  readonly backend: PlainBackend;
  /** Another instance of the backend. */
  readonly other: PlainBackend;
  /** A blob of shape 2x3x4, filled. */
  readonly x: Blob;
  /** bn's top, scale's bottom. */
  readonly y: Blob;
  /** BatchNorm "bn1" and Scale "sc1" with a bias, after a forward and a backward. */
  readonly bn: ReturnType<typeof createBatchNorm>;
  readonly scale: Layer;
  readonly z: Blob;
  blob(shape?: readonly number[], dtype?: Dtype): Blob;
  /** Exists for rows that were written for a suite that disposes what they create. */
  own<T>(resource: T): T;
}

/** One wrong call, and the error that it must cause. */
export interface ErrorRow {
  readonly name: string;
  readonly clause: string;
  readonly code: BnErrorCode;
  /** Each of these must occur in the message: who refuses, what came, what was expected, what to do. */
  readonly says: readonly string[];
  /** Prepares with allowed calls, and returns the wrong call. */
  act(desk: Desk): (() => unknown) | Promise<() => unknown>;
}

const SHAPE = [2, 3, 4];

export function createDesk(): Desk {
  const [backend, other] = [createPlain(), createPlain()];
  const blob = (shape?: readonly number[], dtype: Dtype = "float32"): Blob => createBlob(backend, shape, dtype);
  const [x, y, z] = [blob(SHAPE), blob(), blob()];
  x.write(Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)));
  const bn = createBatchNorm({ name: "bn1", updateStats: false });
  const scale = createScale({ name: "sc1", biasTerm: true });
  bn.setUp([x], [y]);
  scale.setUp([y], [z]);
  bn.forward([x], [y]);
  scale.forward([y], [z]);
  z.writeDiff(Float32Array.from({ length: 24 }, (_, i) => Math.cos(i)));
  scale.backward([z], [true], [y]);
  bn.backward([y], [true], [x]);
  return { backend, other, x, y, z, bn, scale, blob, own: (resource) => resource };
}

/** Everything that a call could change: shapes, values and gradients. */
export async function snapshot(blobs: readonly Blob[]): Promise<readonly [string, HostArray, HostArray][]> {
  return Promise.all(
    blobs.map(async (blob) => [`${blob.shape}`, await blob.read(), await blob.readDiff()] as const),
  ).then((all) => all.map(([shape, data, diff]) => [shape, data, diff]));
}

export async function expectRefused(row: ErrorRow): Promise<void> {
  const desk = createDesk();
  const { x, y, z, bn, scale } = desk;
  const watched = [x, y, z, ...bn.blobs, ...scale.blobs];
  const before = await snapshot(watched);
  const call = await row.act(desk);
  expectError(row, call);
  expect(await snapshot(watched)).toEqual(before);

  // The forward before the error still counts (L-5), and the same layers and blobs still work.
  scale.clearParamDiffs();
  scale.backward([z], [true], [y]);
  bn.backward([y], [true], [x]);
  expect(await snapshot(watched)).toEqual(before);
  bn.forward([x], [y]);
  scale.forward([y], [z]);
  expect(await snapshot(watched)).toEqual(before);
}

/** Compares codes and not classes, because two copies of core may be installed. */
function expectError({ code, says }: ErrorRow, call: () => unknown): void {
  let error: unknown = null;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  expect(error, `expected ${code}`).toBeInstanceOf(Error);
  const { message } = error as Error;
  expect((error as Error & { code?: unknown }).code, message).toBe(code);
  for (const part of says) expect(message).toContain(part);
}
