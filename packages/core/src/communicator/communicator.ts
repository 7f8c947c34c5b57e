/**
 * Processes or threads that compute together, each of which has a rank. All ranks make the same calls in the same order, and a
 * call blocks its thread until all of them have made it.
 *
 * `createMpi` of @bn/mpi makes one for processes under mpirun, `joinThreads` of @bn/core/threads one for worker threads;
 * `createCommunicator` makes one of any other means of exchange.
 */
export interface Communicator {
  /** The number of this rank, from 0 to size - 1. */
  readonly rank: number;
  readonly size: number;
  /**
   * Every rank gives equally many `values` under the same `tag`, which says what they are for. Returns those of all ranks, one
   * behind the other in rank order: size * values.length numbers, in `all` where it is given, otherwise in a new array. Without values
   * it is a barrier.
   *
   * Errors  `ERR_BN_SYNC`. On all ranks, and the communicator stays usable: a rank passed another tag or number of values. For
   *         good: a rank did not come within the time limit, or has ended.
   */
  allGather(tag: string, values: Float64Array, all?: Float64Array): Float64Array;
}

/** Whether `value` can be a layer's communicator. */
export function isCommunicator(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { rank, size, allGather } = value as { readonly [key in keyof Communicator]?: unknown };
  return isRank(rank, size) && typeof allGather === "function";
}

/** A rank of so many. */
export function isRank(rank: unknown, size: unknown): boolean {
  return Number.isSafeInteger(rank) && Number.isSafeInteger(size) && Number(rank) >= 0 && Number(rank) < Number(size);
}
