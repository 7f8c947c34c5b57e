import { BnError } from "@bn/core";
import type { MpiCommunicator } from "@bn/mpi";

/** Ranks wait for the slowest one; mpirun ends all ranks if one dies. */
const MS_TO_WAIT = 24 * 3600 * 1000;

/**
 * The ranks of the run of mpirun that this process belongs to; null where they are not wanted.
 *
 * Errors: `ERR_BN_UNAVAILABLE`: @bn/mpi is not installed, this is not a run of mpirun, or there is no OpenMPI.
 */
export async function openRanks(wanted: boolean): Promise<MpiCommunicator | null> {
  if (!wanted) return null;
  const { createMpi } = await import("@bn/mpi").catch((cause: Error) => {
    throw new BnError(
      "ERR_BN_UNAVAILABLE",
      `--mpi: @bn/mpi does not load (${cause.message.split("\n")[0]}); npm install @bn/mpi beside @bn/cli`,
      { cause },
    );
  });
  return createMpi({ timeout: MS_TO_WAIT });
}
