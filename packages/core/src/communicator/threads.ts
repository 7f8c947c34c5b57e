import { BnError } from "../errors.ts";
import { readOptions } from "../options.ts";
import { textOf } from "../text.ts";
import { createBarrier } from "./barrier.ts";
import type { Communicator } from "./communicator.ts";
import { createCommunicator } from "./create-communicator.ts";
import { TIMEOUT } from "./timeout.ts";

/** The memory that the threads share. It is sent to each of them, e.g. as `workerData`. */
export interface ThreadGroup {
  readonly size: number;
  readonly memory: SharedArrayBuffer;
}

/** Doubles per rank and exchange; longer messages are sent in pieces. */
const PIECE = 4096;
const MOST = 1024;

/**
 * The layout of the shared memory: the int32 words of the barrier, then who has joined, then two halves that hold one
 * piece per rank.
 */
const BARRIER = 2;
const dataStart = (size: number) => 8 * Math.ceil((4 * (BARRIER + size)) / 8);
const bytesFor = (size: number) => dataStart(size) + 8 * 2 * size * PIECE;

/**
 * Creates the memory for a communicator of `size` threads of one process. Send it to every thread; each calls
 * `joinThreads` with its own rank.
 *
 * Errors  `ERR_BN_PARAM`: the size is not a whole number from 1 to 1024; `ERR_BN_UNAVAILABLE`: there is no
 *         SharedArrayBuffer (a page that is not cross-origin isolated).
 */
export function createThreadGroup(size: number): ThreadGroup {
  if (!Number.isInteger(size) || size < 1 || size > MOST) {
    throw new BnError(
      "ERR_BN_PARAM",
      `createThreadGroup: size is ${textOf(size)}, expected a whole number from 1 to ${MOST}`,
    );
  }
  if (typeof SharedArrayBuffer === "undefined") {
    throw new BnError(
      "ERR_BN_UNAVAILABLE",
      "createThreadGroup: SharedArrayBuffer is not available; serve the page with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp",
    );
  }
  return { size, memory: new SharedArrayBuffer(bytesFor(size)) };
}

/**
 * Returns the communicator of the thread with rank `rank` of `group`. A call waits `timeout` ms for the other threads,
 * by default one minute. If a thread does not arrive, the call throws on all threads and the group can no longer be
 * used: create a new one.
 *
 * Errors  `ERR_BN_PARAM`: not a group of `createThreadGroup`, or a rank out of range; `ERR_BN_STATE`: the rank is
 *         taken; `ERR_BN_UNAVAILABLE`: a thread that must not wait, such as a browser's main thread: join from workers.
 *
 * @example
 * ```ts
 * import { createThreadGroup, joinThreads } from "@bn/core/threads";
 * const group = createThreadGroup(1); // as many as there are threads; send it to each of them
 * const communicator = joinThreads(group, 0, { timeout: 5_000 });
 * console.log(communicator.allGather("ranks", new Float64Array([communicator.rank]))); // Float64Array(1) [ 0 ]
 * ```
 */
export function joinThreads(
  group: ThreadGroup,
  rank: number,
  options: { readonly timeout?: number } = {},
): Communicator {
  const { timeout = 60_000 } = readOptions("joinThreads", options, { timeout: TIMEOUT });
  const { size, memory } = checkGroup(group);
  if (!Number.isInteger(rank) || rank < 0 || rank >= size) {
    throw new BnError(
      "ERR_BN_PARAM",
      `joinThreads: rank is ${textOf(rank)}, expected a whole number from 0 to ${size - 1}`,
    );
  }
  checkWaits();
  const words = new Int32Array(memory, 0, BARRIER + size);
  if (Atomics.compareExchange(words, BARRIER + rank, 0, 1) !== 0) {
    throw new BnError(
      "ERR_BN_STATE",
      `joinThreads: rank ${rank} is taken by another thread; give each thread its own rank`,
    );
  }
  const data = new Float64Array(memory, dataStart(size));
  const meet = createBarrier(words, size, timeout);
  // A thread is at most one barrier ahead of another, so two halves that alternate are enough.
  let half = 0;
  return createCommunicator({
    rank,
    size,
    exchange(values, all) {
      const { length } = values;
      for (let start = 0; start === 0 || start < length; start += PIECE) {
        const piece = Math.min(PIECE, length - start);
        const slot = (of: number) => (half * size + of) * PIECE;
        data.set(values.subarray(start, start + piece), slot(rank));
        meet();
        for (let of = 0; of < size; of++) all.set(data.subarray(slot(of), slot(of) + piece), of * length + start);
        half = 1 - half;
      }
    },
  });
}

function checkGroup(group: ThreadGroup): ThreadGroup {
  const { size, memory } = Object(group) as Partial<ThreadGroup>;
  const shared = typeof SharedArrayBuffer !== "undefined" && memory instanceof SharedArrayBuffer;
  if (shared && Number.isInteger(size) && memory.byteLength === bytesFor(Number(size))) return group;
  throw new BnError(
    "ERR_BN_PARAM",
    `joinThreads: group is ${textOf(group)}, expected the object that createThreadGroup() returned`,
  );
}

/** Browsers do not let a page's main thread wait. */
function checkWaits(): void {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
  } catch (cause) {
    throw new BnError(
      "ERR_BN_UNAVAILABLE",
      "joinThreads: this thread must not block (Atomics.wait is not allowed here); call it in a worker",
      {
        cause,
      },
    );
  }
}
