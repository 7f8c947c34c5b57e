// A rank that is a thread: posts its report.
import { parentPort, workerData } from "node:worker_threads";
import { joinThreads, type ThreadGroup } from "@bn/core/threads";
import { runRankCases } from "./case.ts";
import { communicatorCases } from "./communicator-cases.ts";

const { group, rank } = workerData as { readonly group: ThreadGroup; readonly rank: number };
const communicator = joinThreads(group, rank, { timeout: 60_000 });
parentPort?.postMessage(await runRankCases(communicatorCases, communicator));
