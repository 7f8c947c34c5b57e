/** K-9. */
import { job, run } from "../job";
import { parts, SLICE } from "../shape";

export function copy<T>(): void {
  run((item: u32) => copyPart<T>(item), parts(job.length, SLICE), 2 * u64(job.length) * sizeof<T>());
}

export function copyPart<T>(item: u32): void {
  const from = item * SLICE;
  const n = min(SLICE, job.length - from);
  memory.copy(job.y + from * sizeof<T>(), job.x + from * sizeof<T>(), n * sizeof<T>());
}
