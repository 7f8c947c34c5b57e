import { BnError } from "@bn/core";
import type { Transport } from "@bn/core/communicator";
import { errorText, type Handle, type Library } from "./library.ts";

/** The transport of one MPI communicator, and whether it still works. */
export interface MpiTransport extends Transport {
  readonly dead: boolean;
}

/** Tests in a row before the thread sleeps between them: about as long as an exchange takes where every rank has a core. */
const SPINS = 300;
/** Milliseconds of a sleep, at first and at most. OpenMPI moves data only while somebody asks it. */
const FIRST_NAP = 0.02;
const LONGEST_NAP = 0.5;

/**
 * MPI may still write into the buffers of an exchange that never ended: it can be neither cancelled nor forgotten, so that they must
 * live as long as the process does.
 */
const abandoned: unknown[] = [];

/**
 * All-gathers over `comm`. The call of MPI that would wait cannot time out, so the one that does not wait is used, and asked until the
 * deadline whether it is done.
 */
export function createTransport(mpi: Library, comm: Handle, timeout: number): MpiTransport {
  const word = new Int32Array(1);
  const number = (ask: (comm: Handle, out: Int32Array) => number) => (ask(comm, word) === 0 ? Number(word[0]) : -1);
  const rank = number(mpi.commRank);
  const size = number(mpi.commSize);
  const request = new BigInt64Array(1);
  const flag = new Int32Array(1);
  const bed = new Int32Array(new SharedArrayBuffer(4));
  let send = new Float64Array(0);
  let receive = new Float64Array(0);
  let reason: string | null = null;

  function die(what: string): never {
    reason = what;
    abandoned.push(send, receive, request, flag);
    throw deadError(what);
  }
  function check(code: number): void {
    if (code !== 0) die(`MPI reports: ${errorText(mpi, code)}`);
  }
  function waitForAll(): void {
    let nap = FIRST_NAP;
    let end = 0;
    for (let tests = 0; ; tests++) {
      check(mpi.test(request, flag, null));
      if (flag[0] !== 0) return;
      if (tests < SPINS) continue;
      const now = performance.now();
      if (end === 0) end = now + timeout;
      if (now >= end) die(`not all of ${size} ranks came within ${timeout} ms`);
      Atomics.wait(bed, 0, 0, Math.min(nap, end - now));
      nap = Math.min(2 * nap, LONGEST_NAP);
    }
  }

  return {
    rank,
    size,
    get dead() {
      return reason !== null;
    },
    exchange(values, all) {
      if (reason !== null) throw deadError(reason);
      const { length } = values;
      if (send.length < length) {
        send = new Float64Array(length);
        receive = new Float64Array(size * length);
      }
      send.set(values);
      check(mpi.iallgather(send, length, mpi.double, receive, length, mpi.double, comm, request));
      waitForAll();
      all.set(receive.subarray(0, size * length));
    },
  };
}

function deadError(reason: string): BnError {
  return new BnError(
    "ERR_BN_SYNC",
    `MPI exchange: ${reason}; this communicator is of no use any more; save what is needed and end the process`,
  );
}
