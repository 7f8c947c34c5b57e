import { workerData } from "node:worker_threads";

// A thread beside the one that judges, which a kernel may keep in an endless loop. A parent that was killed leaves nobody to
// report to: the process ends, with all that it started.
const parent: number = workerData;
const MS_BETWEEN_LOOKS = 500;

setInterval(() => {
  if (process.ppid === parent) return;
  try {
    process.kill(-process.pid, "SIGKILL");
  } catch {
    process.kill(process.pid, "SIGKILL"); // no process groups here
  }
}, MS_BETWEEN_LOOKS);
