import type { Handle, Library } from "./library.ts";

/** Memory that the processes of a communicator share. */
export interface SharedMemory {
  readonly memory: ArrayBuffer;
  /** Frees the memory. Collective. Views of it must not be used afterwards. */
  free(): void;
}

/**
 * Allocates `bytes` of memory that all ranks of `comm` can access. The ranks must be on one machine. Collective. Returns
 * null if MPI refuses, e.g. because the machine lacks space; the ranks must then agree on another way.
 *
 * Source: MPI 3.1, 11.2.3 MPI_Win_allocate_shared.
 */
export function shareMemory(mpi: Library, comm: Handle, rank: number, bytes: number): SharedMemory | null {
  const [base, window, size] = [new BigInt64Array(1), new BigInt64Array(1), new BigInt64Array(1)];
  const own = rank === 0 ? bytes : 0;
  if (mpi.winAllocateShared(own, 1, mpi.infoNull, comm, base, window) !== 0) return null;
  mpi.winSetErrorHandler(window[0] as Handle, mpi.errorsReturn);
  if (mpi.winSharedQuery(window[0] as Handle, 0, size, new Int32Array(1), base) !== 0) return null;
  if (Number(size[0]) < bytes) return null;
  return { memory: mpi.view(base[0] as Handle, bytes), free: () => void mpi.winFree(window) };
}
