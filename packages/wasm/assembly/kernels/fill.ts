/** K-9. */
import { job, run } from "../job";
import { parts, sliceOf } from "../shape";
import { storeTail } from "../vector";

export function fill<T>(): void {
  run((item: u32) => fillPart<T>(item), parts(job.length, sliceOf(job.length)), u64(job.length) * sizeof<T>());
}

export function fillPart<T>(item: u32): void {
  const lanes: u32 = 16 / sizeof<T>();
  const size = sliceOf(job.length);
  const from = item * size;
  let n = min(size, job.length - from);
  let y = job.y + from * sizeof<T>();
  const v = v128.splat<T>(<T>job.value);
  for (; n >= lanes; n -= lanes) {
    v128.store(y, v);
    y += 16;
  }
  if (n > 0) storeTail<T>(y, v, n);
}
