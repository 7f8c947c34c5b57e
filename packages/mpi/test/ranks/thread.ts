// A rank that is a thread. It posts its report.
import { parentPort, workerData } from "node:worker_threads";
import { joinThreads, type ThreadGroup } from "@bn/core/threads";
import { createCpu } from "@bn/cpu";
import { createWasm } from "@bn/wasm";
import { runRankCases } from "./case.ts";
import { communicatorCases } from "./communicator-cases.ts";
import { layersOf } from "./layers-of.ts";

const { group, rank } = workerData as { readonly group: ThreadGroup; readonly rank: number };
const communicator = joinThreads(group, rank, { timeout: 60_000 });
const backends = [await createCpu(), await createWasm({ threads: 1 })];
const cases = [...communicatorCases, ...layersOf(backends, communicator.size)];
parentPort?.postMessage(await runRankCases(cases, communicator));
for (const backend of backends) await backend.dispose();
