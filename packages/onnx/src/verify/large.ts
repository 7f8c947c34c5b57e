import type { Tensor } from "./runtime.ts";

/** A tensor that is generated while it is sent, so that it is never in memory as a whole. The same object has the same values. */
export interface MadeTensor {
  readonly type: string;
  readonly shape: readonly number[];
  /** All values in order, some at a time. */
  chunks(): Iterable<ArrayBufferView & { readonly length: number }>;
}

export type Feed = Tensor | MadeTensor;

/** A tensor that is read in pieces, until the next run of the process that computed it. */
export interface Source {
  readonly type: string;
  readonly shape: readonly number[];
  /** Values [start, start + count). Errors: `ERR_BN_DATA` after the next run. */
  read(start: number, count: number): Promise<unknown>;
}

export const isMade = (feed: Feed): feed is MadeTensor => "chunks" in feed;

interface Sliceable {
  subarray(start: number, end: number): unknown;
}

/** A tensor in memory as a source. Its pieces are views. */
export function sourceOf({ type, shape, data }: Tensor): Source {
  return {
    ...{ type, shape },
    async read(start, count) {
      return Array.isArray(data)
        ? data.slice(start, start + count)
        : (data as Sliceable).subarray(start, start + count);
    },
  };
}

export const lengthOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** All values of a source. */
export async function wholeOf({ type, shape, read }: Source): Promise<Tensor> {
  return { type, shape, data: await read(0, lengthOf(shape)) };
}

/** A generated tensor in memory. */
export function inMemory(feed: Feed): Tensor {
  if (!isMade(feed)) return feed;
  let all: { set(from: unknown, at: number): void } | null = null;
  let at = 0;
  for (const chunk of feed.chunks()) {
    const Values = chunk.constructor as new (length: number) => { set(from: unknown, at: number): void };
    all ??= new Values(lengthOf(feed.shape));
    all.set(chunk, at);
    at += chunk.length;
  }
  return { type: feed.type, shape: feed.shape, data: all };
}
