/** Moments of columns: blocks of rows, four rows at a time. */
import { job, run } from "../../job";
import { flush, ROWS, RUNS, SHIFTS } from "../../runs";
import { entries, table, tileChannels } from "../../shape";
import { finite, lostOf } from "../../vector";
import { guessColumns } from "./guess";
import { closeColumns, joinColumns, joinPair } from "./join";

/** Blocks of rows on their own, then together, channel by channel. */
export function momentsOfTile<T>(): void {
  if (job.rows > 0) guessColumns<T>();
  run((item: u32) => momentsOfRows<T>(item), job.parts, u64(job.rows) * job.columns * sizeof<T>());
  const first = job.firstColumn / job.inner;
  const channels = tileChannels();
  let i: u32 = 0;
  if (job.inner === 1 && job.parts === 1 && job.fold === 1 && job.rest === 0) i = closeColumns<T>(first, channels);
  if (job.inner === 1) for (; i + 2 <= channels; i += 2) joinPair<T>(first + i, i);
  for (; i < channels; i++) joinColumns<T>(first + i, i * job.inner);
}

export function momentsOfRows<T>(item: u32): void {
  const from = item * job.span;
  const rows = min(job.span, job.rows - from);
  if (rows === 0) return;
  const columns = job.columns;
  const A = entries(item, 0);
  const S = entries(item, SHIFTS);
  memory.copy(S, table(0), columns * sizeof<T>());
  deviationsOfColumns<T>(item, from, rows, 0, columns);
  const n = f64(rows);
  const lanes: u32 = 16 / sizeof<T>();
  // Bad guesses are mended a cache line of columns at a time.
  for (let start: u32 = 0; start < columns; start += 4 * lanes) {
    const end = min(start + 4 * lanes, columns);
    let again = sizeof<T>() === 8;
    for (let c = start; c < end; c++) {
      const a = load<f64>(A + c * 8);
      if (a * a * 4 > load<f64>(A + (columns + c) * 8) * n) again = true;
    }
    if (!again) continue;
    for (let c = start; c < end; c++) {
      const p = S + c * sizeof<T>();
      const better = <T>(f64(load<T>(p)) + load<f64>(A + c * 8) / n);
      if (finite(f64(better))) store<T>(p, better);
    }
    if (sizeof<T>() === 4) deviationsOfColumns<T>(item, from, rows, start, end);
  }
  if (sizeof<T>() === 8) deviationsOfColumns<T>(item, from, rows, 0, columns);
}

/** `deviations` of columns [start, end) about their own shifts: four rows a term, ROWS a flush. */
function deviationsOfColumns<T>(item: u32, from: u32, rows: u32, start: u32, end: u32): void {
  const lanes: u32 = 16 / sizeof<T>();
  const stride = job.stride;
  const A = entries(item, 0);
  const a = entries(item, RUNS);
  const q = entries(item, RUNS + 1);
  const S = entries(item, SHIFTS);
  for (let array: u32 = 0; array < 4; array++) memory.fill(entries(item, array) + start * 8, 0, (end - start) * 8);
  memory.fill(a + start * sizeof<T>(), 0, (end - start) * sizeof<T>());
  memory.fill(q + start * sizeof<T>(), 0, (end - start) * sizeof<T>());
  const first = job.x + job.firstColumn * sizeof<T>() + from * stride;
  const whole = start + ((end - start) / lanes) * lanes;
  let x = first + start * sizeof<T>();
  const bytes = (whole - start) * sizeof<T>();
  for (let row: u32 = 0; row < rows; ) {
    const last = min(row + ROWS, rows);
    for (; row + 4 <= last; row += 4) {
      let s = S + start * sizeof<T>();
      let sums = a + start * sizeof<T>();
      let squares = q + start * sizeof<T>();
      for (const stop = x + bytes; x < stop; x += 16) {
        const shift = v128.load(s);
        const d0 = v128.sub<T>(v128.load(x), shift);
        const d1 = v128.sub<T>(v128.load(x + stride), shift);
        const d2 = v128.sub<T>(v128.load(x + 2 * stride), shift);
        const d3 = v128.sub<T>(v128.load(x + 3 * stride), shift);
        const d = v128.add<T>(v128.add<T>(d0, d1), v128.add<T>(d2, d3));
        v128.store(sums, v128.add<T>(v128.load(sums), d));
        const q01 = v128.add<T>(v128.mul<T>(d0, d0), v128.mul<T>(d1, d1));
        const q23 = v128.add<T>(v128.mul<T>(d2, d2), v128.mul<T>(d3, d3));
        v128.store(squares, v128.add<T>(v128.load(squares), v128.add<T>(q01, q23)));
        s += 16;
        sums += 16;
        squares += 16;
      }
      x += 4 * stride - bytes;
    }
    for (; row < last; row++) {
      for (let at = start * sizeof<T>(), stop = at + bytes; at < stop; at += 16) {
        const d = v128.sub<T>(v128.load(x), v128.load(S + at));
        v128.store(a + at, v128.add<T>(v128.load(a + at), d));
        v128.store(q + at, v128.add<T>(v128.load(q + at), v128.mul<T>(d, d)));
        x += 16;
      }
      x += stride - bytes;
    }
    flush<T>(A, a, start, whole);
  }
  for (let c = whole; c < end; c++)
    deviationsOfColumn<T>(first + c * sizeof<T>(), rows, load<T>(S + c * sizeof<T>()), A + c * 8);
}

/** The last columns, fewer than a vector: one at a time, compensated. */
function deviationsOfColumn<T>(x: usize, rows: u32, shift: T, A: usize): void {
  let sum: f64 = 0;
  let squares: f64 = 0;
  let lostSum: f64 = 0;
  let lostSquares: f64 = 0;
  for (let row: u32 = 0; row < rows; row++) {
    const d = f64(load<T>(x)) - f64(shift);
    lostSum += lostOf(sum, d, sum + d);
    lostSquares += lostOf(squares, d * d, squares + d * d);
    sum += d;
    squares += d * d;
    x += job.stride;
  }
  const size = job.columns * 8;
  store<f64>(A, sum);
  store<f64>(A + size, squares);
  store<f64>(A + 2 * size, lostSum);
  store<f64>(A + 3 * size, lostSquares);
}
