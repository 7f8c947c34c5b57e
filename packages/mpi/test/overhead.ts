// mpirun -n 2 node test/overhead.ts [CHANNELS]: what synchronising adds to the forward and the backward of a layer, in microseconds.
// Both layers take turns in one run. Every rank needs a core of its own.
import { createBatchNormScale, createBlob } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { createMpi } from "../src/index.ts";

const ROUNDS = 1000;
const CALLS = 4;

const channels = Number(process.argv[2] ?? 256);
const mpi = await createMpi();
const cpu = await createCpu();

function layerOf(communicator: typeof mpi | null) {
  const [x, y] = [createBlob(cpu, [16, channels]), createBlob(cpu)];
  x.write(Float32Array.from({ length: x.count() }, (_, i) => Math.sin(i * i)));
  const params = { name: "overhead", biasTerm: true };
  const layer = createBatchNormScale(communicator === null ? params : { ...params, communicator });
  layer.setUp([x], [y]);
  const forward = () => layer.forward([x], [y]);
  const backward = () => layer.backward([y], [true], [x]);
  forward();
  y.writeDiff(new Float32Array(y.count()).fill(1));
  return { forward, backward };
}

/** Microseconds per call. */
function time(run: () => void): number {
  const start = performance.now();
  for (let i = 0; i < CALLS; i++) run();
  return ((performance.now() - start) * 1000) / CALLS;
}

const alone = layerOf(null);
const together = layerOf(mpi);
const added = { forward: [] as number[], backward: [] as number[] };
for (let round = 0; round < ROUNDS; round++) {
  for (const pass of ["forward", "backward"] as const) added[pass].push(-time(alone[pass]) + time(together[pass]));
}
if (mpi.rank === 0) {
  for (const [pass, list] of Object.entries(added)) {
    const sorted = list.slice(ROUNDS / 4).sort((a, b) => a - b); // the first quarter is the compiler's
    const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1);
    process.stdout.write(
      `${pass}: +${at(0.5)} us (median; fastest tenth +${at(0.1)}), ${channels} channels, ${mpi.size} ranks\n`,
    );
  }
}
await mpi.dispose();
