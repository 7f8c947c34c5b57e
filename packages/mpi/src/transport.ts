import { BnError } from "@bn/core";
import type { Transport } from "@bn/core/communicator";
import { errorText, type Handle, type Library } from "./library.ts";

/** The transport of one MPI communicator, and whether it still works. */
export interface MpiTransport extends Transport {
  readonly dead: boolean;
}

/** A part of an exchange that is sent as one operation of MPI. */
interface Piece {
  send: Float64Array;
  receive: Float64Array;
  readonly request: BigInt64Array;
}

/**
 * The most doubles that OpenMPI writes to shared memory at once, with its own header. For more than 4 KiB the sender
 * waits until the receiver is ready, which takes several times as long as sending everything in pieces.
 */
const EAGER = 448;
const MOST_PIECES = 4;
/**
 * Milliseconds of polling before the thread starts to sleep between polls. An exchange takes less than this if every
 * rank has a core.
 */
const AWAKE = 0.1;
/** The first and the longest sleep, in milliseconds. OpenMPI moves data only while it is polled. */
const FIRST_NAP = 0.02;
const LONGEST_NAP = 0.5;

/**
 * MPI may still write into the buffers of an exchange that never ended. The exchange can be neither cancelled nor
 * freed, so the buffers are kept until the process ends.
 */
const abandoned: unknown[] = [];

/**
 * Creates the all-gather over `comm`. MPI's blocking call cannot time out, so the non-blocking one is used and polled
 * until the deadline. `oneMachine` is the same on all ranks and says that messages go through shared memory.
 */
export function createTransport(mpi: Library, comm: Handle, timeout: number, oneMachine: boolean): MpiTransport {
  const word = new Int32Array(1);
  const number = (ask: (comm: Handle, out: Int32Array) => number) => (ask(comm, word) === 0 ? Number(word[0]) : -1);
  const rank = number(mpi.commRank);
  const size = number(mpi.commSize);
  const pieces = Array.from({ length: MOST_PIECES }, newPiece);
  const flag = new Int32Array(1);
  const bed = new Int32Array(new SharedArrayBuffer(4));
  let reason: string | null = null;

  function die(what: string): never {
    reason = what;
    abandoned.push(pieces, flag);
    throw deadError(what);
  }
  function check(code: number): void {
    if (code !== 0) die(`MPI reports: ${errorText(mpi, code)}`);
  }
  function begin(piece: Piece, values: Float64Array, start: number, count: number): void {
    if (piece.send.length < count) {
      piece.send = new Float64Array(count);
      piece.receive = new Float64Array(size * count);
    }
    const { send, receive, request } = piece;
    send.set(count === values.length ? values : values.subarray(start, start + count));
    check(mpi.iallgather(send, count, mpi.double, receive, count, mpi.double, comm, request));
  }
  /** Whether the first `count` pieces are all done. */
  function done(count: number): boolean {
    for (let i = 0; i < count; i++) {
      // MPI_Test of a request that is done sets the flag again
      check(mpi.test((pieces[i] as Piece).request, flag, null));
      if (flag[0] === 0) return false;
    }
    return true;
  }
  function waitForAll(count: number): void {
    // The clock is read after each poll: if ranks share a core, one poll may take as long as the other ranks' turns.
    const start = performance.now();
    let nap = FIRST_NAP;
    while (!done(count)) {
      const waited = performance.now() - start;
      if (waited < AWAKE) continue;
      if (waited >= timeout) die(`not all of ${size} ranks came within ${timeout} ms`);
      Atomics.wait(bed, 0, 0, Math.min(nap, timeout - waited));
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
      const most = oneMachine && length <= MOST_PIECES * EAGER ? EAGER : length;
      const count = length > most ? Math.ceil(length / most) : 1;
      const lengthOf = (i: number) => Math.min(most, length - i * most);
      for (let i = 0; i < count; i++) begin(pieces[i] as Piece, values, i * most, lengthOf(i));
      waitForAll(count);
      for (let i = 0; i < count; i++) {
        const { receive } = pieces[i] as Piece;
        const part = lengthOf(i);
        for (let from = 0; from < size; from++)
          all.set(receive.subarray(from * part, (from + 1) * part), from * length + i * most);
      }
    },
  };
}

function newPiece(): Piece {
  return { send: new Float64Array(0), receive: new Float64Array(0), request: new BigInt64Array(1) };
}

function deadError(reason: string): BnError {
  return new BnError(
    "ERR_BN_SYNC",
    `MPI exchange: ${reason}; this communicator is of no use any more; save what is needed and end the process`,
  );
}
