// One rank under mpirun. Usage: node rank.ts FOLDER CHANNELS. Measures how much time synchronising adds to the calls of
// a layer, and how long a large step that the ranks share takes. Rank 0 reports both.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createBatchNormScale, createBlob } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { createMpi, type MpiCommunicator } from "../../src/index.ts";

/** Microseconds of each round. */
export interface Measured {
  readonly ranks: number;
  readonly forward: readonly number[];
  readonly backward: readonly number[];
  readonly step: readonly number[];
}

/** The first quarter of the rounds is left out, because the compiler is still at work. */
const ROUNDS = 1000;
const CALLS = 4;
const STEPS = 20;
/** The number of images of [64, 28, 28] on all ranks together. */
const IMAGES = 64;

const [folder = ".", channels = "256"] = process.argv.slice(2);
const mpi = await createMpi();
const cpu = await createCpu();
const nothing = new Float64Array(0);

function layerOf(shape: readonly number[], communicator: MpiCommunicator | null) {
  const [x, y] = [createBlob(cpu, shape), createBlob(cpu)];
  x.write(Float32Array.from({ length: x.count() }, (_, i) => Math.sin(i * i)));
  const params = { name: "measured", biasTerm: true };
  const layer = createBatchNormScale(communicator === null ? params : { ...params, communicator });
  layer.setUp([x], [y]);
  const forward = () => layer.forward([x], [y]);
  const backward = () => layer.backward([y], [true], [x]);
  forward();
  y.writeDiff(new Float32Array(y.count()).fill(1));
  return { forward, backward };
}

/**
 * Microseconds per call. The ranks begin together; otherwise each would also count the time that the others still spend
 * on the previous round.
 */
function time(run: () => void, calls: number): number {
  mpi.allGather("begin", nothing);
  const start = performance.now();
  for (let i = 0; i < calls; i++) run();
  return ((performance.now() - start) * 1000) / calls;
}

const alone = layerOf([16, Number(channels)], null);
const together = layerOf([16, Number(channels)], mpi);
const added = { forward: [] as number[], backward: [] as number[] };
for (let round = 0; round < ROUNDS; round++) {
  // The two layers take turns, so that both run under the same load.
  for (const pass of ["forward", "backward"] as const) {
    added[pass].push(-time(alone[pass], CALLS) + time(together[pass], CALLS));
  }
}
const large = layerOf([IMAGES / mpi.size, 64, 28, 28], mpi);
const step: number[] = [];
for (let round = 0; round < STEPS; round++) {
  step.push(
    time(() => {
      large.forward();
      large.backward();
    }, 1),
  );
}
const measured: Measured = { ranks: mpi.size, ...added, step };
if (mpi.rank === 0) writeFileSync(join(folder, "0.json"), JSON.stringify(measured));
await mpi.dispose();
