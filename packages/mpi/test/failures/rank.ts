// A rank under mpirun: node rank.ts FOLDER MODE. Rank 1 fails in the third step as MODE says; what the others then get is reported.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createBatchNorm, createBlob } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { createMpi } from "../../src/index.ts";

/** How a rank ended, and what a further call on a dead communicator gave. */
export interface FailureReport {
  readonly rank: number;
  readonly steps: number;
  readonly code: string;
  readonly message: string;
  readonly dead: boolean;
  readonly again: string;
}

const TIMEOUT = 1000;
const [folder = ".", mode] = process.argv.slice(2);
const mpi = await createMpi({ timeout: TIMEOUT });
const cpu = await createCpu();
const [x, y] = [createBlob(cpu, [4, 3]), createBlob(cpu)];
const wide = createBlob(cpu, [4, 5]);
const layer = createBatchNorm({ name: "bn", communicator: mpi });
const other = createBatchNorm({ name: "bn", communicator: mpi });
layer.setUp([x], [y]);
other.setUp([wide], [createBlob(cpu)]);

/** Milliseconds in which this process does nothing at all. */
function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function step(): void {
  const fails = mpi.rank === 1 && steps === 2;
  if (fails && mode === "kill") process.kill(process.pid, "SIGKILL");
  if (fails && mode === "hang") sleep(3 * TIMEOUT);
  if (fails && mode === "shapes") other.forward([wide], [createBlob(cpu)]);
  else if (fails && mode === "skip") layer.backward([y], [true], [x]);
  else layer.forward([x], [y]);
}

const codeOf = (error: unknown) => error as { readonly code: string; readonly message: string };
let steps = 0;
let failure = { code: "none", message: "" };
try {
  for (; steps < 5; steps++) step();
} catch (error) {
  failure = codeOf(error);
}
const { dead } = mpi;
let again = "none";
if (dead) {
  try {
    layer.forward([x], [y]);
  } catch (error) {
    again = codeOf(error).code;
  }
}
const report: FailureReport = { rank: mpi.rank, steps, code: failure.code, message: failure.message, dead, again };
writeFileSync(join(folder, `${mpi.rank}.json`), JSON.stringify(report));
await mpi.dispose();
