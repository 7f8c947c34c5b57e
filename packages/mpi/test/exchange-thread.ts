// A worker thread that acts as one rank: it exchanges `lengths` doubles and posts what it received wrongly.
import { parentPort, workerData } from "node:worker_threads";
import { createSharedExchange } from "../src/shared-exchange.ts";

export interface ExchangeOrder {
  readonly memory: SharedArrayBuffer;
  readonly rank: number;
  readonly size: number;
  readonly lengths: readonly number[];
  readonly timeout: number;
}

const { memory, rank, size, lengths, timeout } = workerData as ExchangeOrder;
const { exchange } = createSharedExchange(memory, rank, size, timeout);
const wrong: string[] = [];
try {
  for (const [turn, length] of lengths.entries()) {
    const all = new Float64Array(size * length).fill(-1);
    exchange(
      Float64Array.from({ length }, (_, i) => turn + i + rank / size),
      all,
    );
    for (const [at, got] of all.entries()) {
      const expected = turn + (at % length) + Math.floor(at / length) / size;
      if (got !== expected) wrong.push(`exchange ${turn}: ${got} at ${at}, expected ${expected}`);
    }
  }
} catch (error) {
  wrong.push(error instanceof Error ? error.message : String(error));
}
parentPort?.postMessage(wrong);
