/** K-9. */
import { job, run } from "../job";
import { parts, SLICE } from "../shape";

export function copy<T>(length: u32, x: usize, y: usize): void {
  job.x = x;
  job.y = y;
  job.span = length;
  run((item: u32) => copyPart<T>(item), parts(length, SLICE), 2 * u64(length) * sizeof<T>());
}

export function copyPart<T>(item: u32): void {
  const from = item * SLICE;
  const n = min(SLICE, job.span - from);
  memory.copy(job.y + from * sizeof<T>(), job.x + from * sizeof<T>(), n * sizeof<T>());
}
