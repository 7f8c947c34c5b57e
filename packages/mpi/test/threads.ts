import { Worker } from "node:worker_threads";
import { createThreadGroup } from "@bn/core/threads";
import type { RankReport } from "./ranks/case.ts";

/** Runs all cases on `size` threads of this process, each of which is a rank. */
export function runThreads(size: number): Promise<RankReport[]> {
  const group = createThreadGroup(size);
  const ranks = Array.from({ length: size }, (_, rank) => {
    return new Promise<RankReport>((resolve, reject) => {
      const worker = new Worker(new URL("ranks/thread.ts", import.meta.url), { workerData: { group, rank } });
      worker.on("message", resolve);
      worker.on("error", reject);
      worker.on("exit", (code) => reject(new Error(`rank ${rank} ended with ${code} before it reported`)));
    });
  });
  return Promise.all(ranks);
}
