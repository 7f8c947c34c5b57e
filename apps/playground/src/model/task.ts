import { startTask, type Task } from "../parts/task.ts";
import type { ModelMessage, ModelOrder } from "./worker.ts";

/** Starts a worker for one job on a model. */
export function startModelTask(order: ModelOrder, onMessage: (message: ModelMessage) => void): Task {
  const create = () =>
    new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: `model ${order.kind}` });
  return startTask(create, () => order, onMessage);
}
