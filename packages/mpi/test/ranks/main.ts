// One rank under mpirun. Usage: node main.ts FOLDER [messages]. It writes its report to FOLDER, because mpirun mixes the output of
// the ranks.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createCpu } from "@bn/cpu";
import { createWasm } from "@bn/wasm";
import { createMpi } from "../../src/index.ts";
import { runRankCases } from "./case.ts";
import { communicatorCases } from "./communicator-cases.ts";
import { layersOf } from "./layers-of.ts";
import { mpiCases } from "./mpi-cases.ts";

const mpi = await createMpi({ timeout: 60_000, sharedMemory: process.argv[3] !== "messages" });
const backends = [await createCpu(), await createWasm({ threads: 1 })];
const cases = [...communicatorCases, ...mpiCases(mpi), ...layersOf(backends, mpi.size)];
const report = await runRankCases(cases, mpi);
writeFileSync(join(process.argv[2] ?? ".", `${mpi.rank}.json`), JSON.stringify(report));
for (const backend of backends) await backend.dispose();
await mpi.dispose();
