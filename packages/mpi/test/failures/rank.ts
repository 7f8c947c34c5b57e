// One rank under mpirun. Usage: node rank.ts FOLDER MODE. Rank 1 fails in the third step in the way that MODE names.
// The other ranks report the error that they get.
import { existsSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createBatchNorm, createBlob } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { createMpi } from "../../src/index.ts";

/** How a rank ended, and the result of a further call on a dead communicator. */
export interface FailureReport {
  readonly rank: number;
  readonly steps: number;
  readonly code: string;
  readonly message: string;
  readonly dead: boolean;
  readonly again: string;
  /** Duration of the failed step, in milliseconds. */
  readonly waited: number;
  /** The communicator's limit. */
  readonly timeout: number;
}

/** Milliseconds. */
const TIMEOUT = 2000;
/**
 * The most naps of a rank that waits for files of the others, which is 60 s. Naps are counted because clocks go on
 * while the machine itself is stopped.
 */
const NAPS = 1200;
const NAP = 50;
const [folder = ".", mode] = process.argv.slice(2);
const mpi = await createMpi({ timeout: TIMEOUT });
const cpu = await createCpu();
const [x, y] = [createBlob(cpu, [4, 3]), createBlob(cpu)];
const wide = createBlob(cpu, [4, 5]);
const layer = createBatchNorm({ name: "bn", communicator: mpi });
const other = createBatchNorm({ name: "bn", communicator: mpi });
layer.setUp([x], [y]);
other.setUp([wide], [createBlob(cpu)]);

const bed = new Int32Array(new SharedArrayBuffer(4));
const reportOf = (rank: number) => join(folder, `${rank}.json`);
const readyOf = (rank: number) => join(folder, `${rank}.ready`);

/** Does nothing until the other ranks have written these files. */
function waitForOthers(fileOf: (rank: number) => string): void {
  const files = [0, 1, 2].filter((rank) => rank !== mpi.rank).map(fileOf);
  for (let naps = 0; naps < NAPS && !files.every(existsSync); naps++) Atomics.wait(bed, 0, 0, NAP);
}

function step(): void {
  const fails = mpi.rank === 1 && steps === 2;
  if (fails && mode === "kill") process.kill(process.pid, "SIGKILL");
  if (fails && mode === "hang") waitForOthers(reportOf);
  if (fails && mode === "shapes") other.forward([wide], [createBlob(cpu)]);
  else if (fails && mode === "skip") layer.backward([y], [true], [x]);
  else layer.forward([x], [y]);
}

const codeOf = (error: unknown) => error as { readonly code: string; readonly message: string };
// Avoids a time-out because another rank is still starting.
writeFileSync(readyOf(mpi.rank), "");
waitForOthers(readyOf);
let steps = 0;
let began = 0;
let failure = { code: "none", message: "" };
try {
  for (; steps < 5; steps++) {
    began = performance.now();
    step();
  }
} catch (error) {
  failure = codeOf(error);
}
const waited = performance.now() - began;
const { dead } = mpi;
let again = "none";
if (dead) {
  try {
    layer.forward([x], [y]);
  } catch (error) {
    again = codeOf(error).code;
  }
}
const { code, message } = failure;
const report: FailureReport = { rank: mpi.rank, steps, code, message, dead, again, waited, timeout: TIMEOUT };
writeFileSync(`${reportOf(mpi.rank)}.part`, JSON.stringify(report));
renameSync(`${reportOf(mpi.rank)}.part`, reportOf(mpi.rank));
await mpi.dispose();
