import { startTask, type Task } from "../parts/task.ts";
import type { Order, Progress } from "./worker.ts";

/** Runs one backend's part of a run in a worker. `order` leaves out the cases that have run by then. */
export function startBackend(name: string, order: () => Order, onProgress: (progress: Progress) => void): Task {
  const create = () => new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name });
  return startTask(create, order, onProgress);
}
