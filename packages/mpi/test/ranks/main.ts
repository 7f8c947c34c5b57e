// A rank under mpirun: node main.ts. Prints its report as a line of JSON.
import { createMpi } from "../../src/index.ts";
import { runRankCases } from "./case.ts";
import { communicatorCases } from "./communicator-cases.ts";
import { mpiCases } from "./mpi-cases.ts";

const mpi = await createMpi({ timeout: 60_000 });
const cases = [...communicatorCases, ...mpiCases(mpi)];
const report = await runRankCases(cases, mpi);
process.stdout.write(`${JSON.stringify(report)}\n`);
await mpi.dispose();
