/** K-9. */
import { job, run } from "../job";
import { parts, sliceOf } from "../shape";

export function copy<T>(): void {
  run((item: u32) => copyPart<T>(item), parts(job.length, sliceOf(job.length)), 2 * u64(job.length) * sizeof<T>());
}

export function copyPart<T>(item: u32): void {
  const size = sliceOf(job.length);
  const from = item * size;
  const n = min(size, job.length - from);
  memory.copy(job.y + from * sizeof<T>(), job.x + from * sizeof<T>(), n * sizeof<T>());
}
