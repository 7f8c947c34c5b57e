import type { MpiCommunicator } from "@bn/mpi";
import { unavailable } from "./errors.ts";

/** Ranks wait for the slowest one; mpirun ends all ranks if one dies. */
const MS_TO_WAIT = 24 * 3600 * 1000;

/**
 * The ranks of the mpirun job that this process belongs to; null if they are not wanted.
 *
 * Errors: `ERR_BN_UNAVAILABLE` if @bn/mpi is not installed, the process was not started by mpirun, or OpenMPI is
 * missing.
 */
export async function openRanks(wanted: boolean): Promise<MpiCommunicator | null> {
  if (!wanted) return null;
  const { createMpi } = await import("@bn/mpi").catch((cause: Error) => {
    throw unavailable(
      `--mpi: @bn/mpi cannot be loaded (${cause.message.split("\n")[0]}); run npm install @bn/mpi next to @bn/cli`,
      cause,
    );
  });
  return createMpi({ timeout: MS_TO_WAIT });
}
