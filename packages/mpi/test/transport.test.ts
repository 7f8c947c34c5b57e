import { expect, it } from "vitest";
import type { Library } from "../src/library.ts";
import { createTransport } from "../src/transport.ts";

const RANKS = 3;
const good = () => 0;

function writes(value: number) {
  return (_comm: bigint, out: Int32Array | BigInt64Array | Uint8Array) => {
    out[0] = value;
    return 0;
  };
}

/** An MPI library whose ranks all send the same, and whose MPI_Test is `test`. */
function libraryWith(test: Library["test"], counts: number[] = []): Library {
  return {
    initialized: good,
    finalized: good,
    initThread: good,
    queryThread: good,
    isThreadMain: good,
    commRank: writes(0),
    commSize: writes(RANKS),
    commSplit: good,
    commFree: good,
    setErrorHandler: good,
    iallgather(send, count, _type, receive) {
      counts.push(count);
      for (let rank = 0; rank < RANKS; rank++) receive.set(send.subarray(0, count), rank * count);
      return 0;
    },
    test,
    winAllocateShared: good,
    winSharedQuery: good,
    winSetErrorHandler: good,
    winFree: good,
    errorString: good,
    finalize: good,
    abort: good,
    world: 1n,
    double: 2n,
    errorsReturn: 3n,
    infoNull: 4n,
    view: (_address, bytes) => new ArrayBuffer(bytes),
  };
}

function done(_request: unknown, flag: Int32Array | BigInt64Array | Uint8Array): number {
  flag[0] = 1;
  return 0;
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function exchanged(library: Library, length: number, timeout = 1000): Float64Array {
  const all = new Float64Array(RANKS * length);
  const values = Float64Array.from({ length }, (_, i) => i + 1);
  createTransport(library, library.world, timeout).exchange(values, all);
  return all;
}

it.each([0, 1, 834, 5000])("%i doubles come in rank order, also after longer ones", (length) => {
  const counts: number[] = [];
  const transport = createTransport(libraryWith(done, counts), 1n, 1000);
  for (const count of [6000, length]) {
    const all = new Float64Array(RANKS * count);
    transport.exchange(
      Float64Array.from({ length: count }, (_, i) => i + 1),
      all,
    );
    expect([...all]).toEqual(Array.from(all, (_, i) => (i % count) + 1));
  }
  expect(counts).toEqual([6000, length]);
});

it("the time limit holds where MPI takes long to answer, as where ranks share a core", () => {
  let asked = 0;
  const slow = libraryWith(() => {
    asked++;
    sleep(100);
    return 0;
  });
  expect(() => exchanged(slow, 1, 300)).toThrow("not all of 3 ranks arrived within 300 ms");
  expect(asked).toBeLessThanOrEqual(4);
});

it("what has come is taken, even where the limit is over by then, as where the machine was stopped", () => {
  const late = libraryWith((request, flag) => {
    sleep(200);
    return done(request, flag);
  });
  expect([...exchanged(late, 1, 100)]).toEqual([1, 1, 1]);
});
