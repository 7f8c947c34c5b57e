import { workerData } from "node:worker_threads";

// A thread next to the judging one, which a kernel may keep in an endless loop. If the parent was killed, the process
// ends together with everything that it started, because nobody would read its results.
const parent: number = workerData;
const MS_BETWEEN_LOOKS = 500;

setInterval(() => {
  if (process.ppid === parent) return;
  try {
    process.kill(-process.pid, "SIGKILL");
  } catch {
    process.kill(process.pid, "SIGKILL"); // no process groups on this system
  }
}, MS_BETWEEN_LOOKS);
