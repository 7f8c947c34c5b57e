/**
 * Processes or threads that compute together. Each has a rank. All ranks make the same calls in the same order, and a
 * call blocks its thread until all ranks have made it.
 *
 * `createMpi` of @bn/mpi makes one for processes under mpirun, and `joinThreads` of @bn/core/threads makes one for
 * worker threads. `createCommunicator` makes one from any other means of exchange.
 */
export interface Communicator {
  /** The number of this rank, from 0 to size - 1. */
  readonly rank: number;
  readonly size: number;
  /**
   * Every rank passes the same number of `values` under the same `tag`, which names their purpose. Returns the values
   * of all ranks in rank order: size * values.length numbers, in `all` if it is given, otherwise in a new array.
   * Without values the call is a barrier.
   *
   * Errors  `ERR_BN_SYNC`. Thrown on all ranks if a rank passed another tag or number of values; the communicator stays
   *         usable. Thrown by this and every later call if a rank did not arrive within the time limit, or has ended.
   */
  allGather(tag: string, values: Float64Array, all?: Float64Array): Float64Array;
}

/** Whether `value` can be a layer's communicator. */
export function isCommunicator(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { rank, size, allGather } = value as { readonly [key in keyof Communicator]?: unknown };
  return isRank(rank, size) && typeof allGather === "function";
}

/** Whether `rank` is a rank of a communicator of this size. */
export function isRank(rank: unknown, size: unknown): boolean {
  return Number.isSafeInteger(rank) && Number.isSafeInteger(size) && Number(rank) >= 0 && Number(rank) < Number(size);
}
