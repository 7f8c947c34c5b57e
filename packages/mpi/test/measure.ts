// mpirun -n 2 node test/measure.ts [CHANNELS]: what synchronising adds to the forward and the backward of a layer, in microseconds, and the
// time of a step of a large batch that the ranks share. Every rank needs a core of its own.
import { createBatchNormScale, createBlob } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { createMpi, type MpiCommunicator } from "../src/index.ts";

const ROUNDS = 1000;
const CALLS = 4;
/** Images of [64, 28, 28] on all ranks together. */
const IMAGES = 64;

const channels = Number(process.argv[2] ?? 256);
const mpi = await createMpi();
const cpu = await createCpu();

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

/** Microseconds per call. */
function time(run: () => void, calls: number): number {
  const start = performance.now();
  for (let i = 0; i < calls; i++) run();
  return ((performance.now() - start) * 1000) / calls;
}

/** Median and fastest tenth, without the first quarter, which is the compiler's. */
function textOf(list: readonly number[]): string {
  const sorted = list.slice(list.length / 4).sort((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1);
  return `${at(0.5)} us, fastest tenth ${at(0.1)}`;
}

const alone = layerOf([16, channels], null);
const together = layerOf([16, channels], mpi);
const added = { forward: [] as number[], backward: [] as number[] };
for (let round = 0; round < ROUNDS; round++) {
  // The two take turns, so that both meet the same machine.
  for (const pass of ["forward", "backward"] as const)
    added[pass].push(-time(alone[pass], CALLS) + time(together[pass], CALLS));
}
const large = layerOf([IMAGES / mpi.size, 64, 28, 28], mpi);
const steps: number[] = [];
for (let round = 0; round < 80; round++) steps.push(time(large.forward, 1) + time(large.backward, 1));
if (mpi.rank === 0) {
  process.stdout.write(`${mpi.size} ranks, ${channels} channels: forward +${textOf(added.forward)}\n`);
  process.stdout.write(`${mpi.size} ranks, ${channels} channels: backward +${textOf(added.backward)}\n`);
  process.stdout.write(`${mpi.size} ranks: step of [${IMAGES}, 64, 28, 28] ${textOf(steps)}\n`);
}
await mpi.dispose();
