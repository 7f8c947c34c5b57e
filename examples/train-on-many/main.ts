// Usage: mpirun -n 4 node train-on-many/main.ts [STEPS]
import { createCpu } from "@bn/cpu";
import { createMpi } from "@bn/mpi";
import { train } from "./train.ts";

const mpi = await createMpi();
const cpu = await createCpu();
const { losses } = await train(cpu, mpi, Number(process.argv[2] ?? 150));
if (mpi.rank === 0) console.log(`${mpi.size} ranks: cross-entropy ${losses[0]} -> ${losses.at(-1)}`);
await cpu.dispose();
await mpi.dispose();
