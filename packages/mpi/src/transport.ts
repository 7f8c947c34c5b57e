import { BnError } from "@bn/core";
import type { Transport } from "@bn/core/communicator";
import { createClock } from "./clock.ts";
import { errorText, type Handle, type Library } from "./library.ts";

/** The transport of one MPI communicator. `dead` tells whether it has failed. */
export interface MpiTransport extends Transport {
  readonly dead: boolean;
}

/**
 * The buffers of exchanges that never ended. MPI may still write to them, and such an exchange cannot be cancelled, so they
 * must live as long as the process.
 */
const abandoned: unknown[] = [];

/**
 * Creates a transport that gathers values over `comm`. MPI's blocking call cannot time out, so the non-blocking call is
 * polled until the deadline.
 */
export function createTransport(mpi: Library, comm: Handle, timeout: number): MpiTransport {
  const word = new Int32Array(1);
  const number = (ask: (comm: Handle, out: Int32Array) => number) => (ask(comm, word) === 0 ? Number(word[0]) : -1);
  const rank = number(mpi.commRank);
  const size = number(mpi.commSize);
  const clock = createClock(timeout);
  const request = new BigInt64Array(1);
  const flag = new Int32Array(1);
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
  function isDone(): boolean {
    check(mpi.test(request, flag, null));
    return flag[0] !== 0;
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
      clock.start();
      while (!isDone()) if (!clock.pause()) die(`not all of ${size} ranks arrived within ${timeout} ms`);
      all.set(receive.length === size * length ? receive : receive.subarray(0, size * length));
    },
  };
}

export function deadError(reason: string): BnError {
  return new BnError(
    "ERR_BN_SYNC",
    `MPI exchange: ${reason}; this communicator cannot be used any more; save your state and end the process`,
  );
}
