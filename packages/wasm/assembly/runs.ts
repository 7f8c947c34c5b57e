/** Short runs in the dtype, and where they end. */
import { job } from "./job";
import { lost, pair } from "./vector";

/** Additions of a lane of planes, and rows of columns, before a run is flushed into float64. */
export const RUN: u32 = 16;
export const ROWS: u32 = 48;

/** Arrays of a block of rows: two sums, what they lost, two runs (of T), shifts (of T). */
export const RUNS: u32 = 4;
export const SHIFTS: u32 = 6;

/** Empties the runs of columns [start, end), an even number, into float64 sums, and what that lost two arrays on. */
export function flush<T>(A: usize, a: usize, start: u32, end: u32): void {
  const size = job.columns * 8;
  for (let array: u32 = 0; array < 2; array++) {
    let run = a + start * sizeof<T>();
    for (let p = A + start * 8, stop = A + end * 8; p < stop; p += 16) {
      const sum = v128.load(p);
      const term = pair<T>(run);
      const next = f64x2.add(sum, term);
      v128.store(p, next);
      if (sizeof<T>() === 8) v128.store(p + 2 * size, f64x2.add(v128.load(p + 2 * size), lost(sum, term, next)));
      run += 2 * sizeof<T>();
    }
    memory.fill(a + start * sizeof<T>(), 0, (end - start) * sizeof<T>());
    A += size;
    a += size;
  }
}
