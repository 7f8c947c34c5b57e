import { Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import { bytesFor, createSharedExchange, prepare } from "../src/shared-exchange.ts";
import type { ExchangeOrder } from "./exchange-thread.ts";

/** Runs each rank in its own thread. Returns what each of them received wrongly. */
function wrongOf(size: number, ranks: number, lengths: readonly number[], timeout: number): Promise<string[][]> {
  const memory = new SharedArrayBuffer(bytesFor(size));
  for (let rank = 0; rank < size; rank++) prepare(memory, rank);
  return Promise.all(
    Array.from({ length: ranks }, async (_, rank) => {
      const workerData: ExchangeOrder = { memory, rank, size, lengths, timeout };
      const worker = new Worker(new URL("exchange-thread.ts", import.meta.url), { workerData });
      const said = await new Promise<string[]>((resolve, reject) => {
        worker.once("message", resolve).once("error", reject);
      });
      await worker.terminate();
      return said;
    }),
  );
}

it.each([1, 2, 5])("%i ranks get all values in rank order, in one round and in several", async (size) => {
  const some = [0, 1, 834, 4096, 4097, 9000, 0, 3];
  const lengths = Array.from({ length: 400 }, (_, i) => some[(i * 7) % some.length] ?? 0);
  expect(await wrongOf(size, size, lengths, 60_000)).toEqual(Array.from({ length: size }, () => []));
});

it("names the rank that does not come within the limit, and is dead from then on", async () => {
  const [first] = await wrongOf(2, 1, [3], 100);
  expect(first).toEqual([
    "MPI exchange: rank 1 of 2 did not arrive within 100 ms; this communicator cannot be used any more; save your state and end the process",
  ]);
  const memory = new ArrayBuffer(bytesFor(3));
  for (let rank = 0; rank < 3; rank++) prepare(memory, rank);
  const transport = createSharedExchange(memory, 1, 3, 50);
  expect(transport.dead).toBe(false);
  for (let i = 0; i < 2; i++) {
    expect(() => transport.exchange(new Float64Array(1), new Float64Array(3))).toThrow(
      "rank 0, rank 2 of 3 did not arrive within 50 ms",
    );
    expect(transport.dead).toBe(true);
  }
});

it("what has come is taken, even where the limit is over by then, as where the machine was stopped", () => {
  const memory = new ArrayBuffer(bytesFor(2));
  for (let rank = 0; rank < 2; rank++) prepare(memory, rank);
  // Both ranks are on this thread: the first finds nobody, the second finds what the first has written.
  const [first, second] = [0, 1].map((rank) => createSharedExchange(memory, rank, 2, 1));
  expect(() => first?.exchange(Float64Array.of(7), new Float64Array(2))).toThrow("rank 1 of 2 did not arrive");
  const all = new Float64Array(2);
  second?.exchange(Float64Array.of(8), all);
  expect([...all]).toEqual([7, 8]);
});
