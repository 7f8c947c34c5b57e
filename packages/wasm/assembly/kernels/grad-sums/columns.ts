/** Gradient sums of columns: blocks of rows, four rows at a time. */
import { job, run } from "../../job";
import { flush, ROWS, RUNS } from "../../runs";
import { entries, table, tileChannels } from "../../shape";
import { spread, spreadPowers } from "../../tables";
import { lostOf } from "../../vector";
import { joinColumns, joinPair } from "./join";

export function gradSumsOfTile<T>(): void {
  spread<T>(0, job.mean, 0);
  spreadPowers<T>(1);
  run((item: u32) => gradSumsOfRows<T>(item), job.parts, 2 * u64(job.rows) * job.columns * sizeof<T>());
  const first = job.firstColumn / job.inner;
  const channels = tileChannels();
  let i: u32 = 0;
  if (job.inner === 1) for (; i + 2 <= channels; i += 2) joinPair<T>(first + i, i);
  for (; i < channels; i++) joinColumns<T>(first + i, i * job.inner);
}

/** Both sums of each column over a block of rows: four rows a term, ROWS a flush. */
export function gradSumsOfRows<T>(item: u32): void {
  const lanes: u32 = 16 / sizeof<T>();
  const from = item * job.span;
  const rows = min(job.span, job.rows - from);
  const columns = job.columns;
  const whole = (columns / lanes) * lanes;
  const A = entries(item, 0);
  const a = entries(item, RUNS);
  const q = entries(item, RUNS + 1);
  memory.fill(A, 0, columns * 48);
  const offset = job.firstColumn * sizeof<T>() + from * job.stride;
  let dy = job.dy + offset;
  for (let row: u32 = 0; row < rows; ) {
    const end = min(row + ROWS, rows);
    for (; row + 4 <= end; row += 4) {
      fourRows<T>(dy, whole, a, q);
      dy += 4 * job.stride;
    }
    for (; row < end; row++) {
      oneRow<T>(dy, whole, a, q);
      dy += job.stride;
    }
    flush<T>(A, a, 0, whole);
  }
  for (let c = whole; c < columns; c++) column<T>(offset, rows, c, A + c * 8);
}

function fourRows<T>(dy: usize, columns: u32, a: usize, q: usize): void {
  const apart = job.x - job.dy;
  const stride = job.stride;
  let means = table(0);
  let powers = table(1);
  for (const end = dy + columns * sizeof<T>(); dy < end; dy += 16) {
    const x = dy + apart;
    const m = v128.load(means);
    const r = v128.load(powers);
    const g0 = v128.load(dy);
    const g1 = v128.load(dy + stride);
    const g2 = v128.load(dy + 2 * stride);
    const g3 = v128.load(dy + 3 * stride);
    const d0 = v128.mul<T>(v128.mul<T>(v128.sub<T>(v128.load(x), m), r), g0);
    const d1 = v128.mul<T>(v128.mul<T>(v128.sub<T>(v128.load(x + stride), m), r), g1);
    const d2 = v128.mul<T>(v128.mul<T>(v128.sub<T>(v128.load(x + 2 * stride), m), r), g2);
    const d3 = v128.mul<T>(v128.mul<T>(v128.sub<T>(v128.load(x + 3 * stride), m), r), g3);
    v128.store(a, v128.add<T>(v128.load(a), v128.add<T>(v128.add<T>(g0, g1), v128.add<T>(g2, g3))));
    v128.store(q, v128.add<T>(v128.load(q), v128.add<T>(v128.add<T>(d0, d1), v128.add<T>(d2, d3))));
    means += 16;
    powers += 16;
    a += 16;
    q += 16;
  }
}

function oneRow<T>(dy: usize, columns: u32, a: usize, q: usize): void {
  const apart = job.x - job.dy;
  let means = table(0);
  let powers = table(1);
  for (const end = dy + columns * sizeof<T>(); dy < end; dy += 16) {
    const g = v128.load(dy);
    const d = v128.mul<T>(v128.mul<T>(v128.sub<T>(v128.load(dy + apart), v128.load(means)), v128.load(powers)), g);
    v128.store(a, v128.add<T>(v128.load(a), g));
    v128.store(q, v128.add<T>(v128.load(q), d));
    means += 16;
    powers += 16;
    a += 16;
    q += 16;
  }
}

/** The last columns, fewer than a vector: one at a time, compensated. */
function column<T>(offset: usize, rows: u32, c: u32, A: usize): void {
  const at = c * sizeof<T>();
  const mean = f64(load<T>(table(0) + at));
  const power = f64(load<T>(table(1) + at));
  let sum: f64 = 0;
  let products: f64 = 0;
  let lostSum: f64 = 0;
  let lostProducts: f64 = 0;
  offset += at;
  for (let row: u32 = 0; row < rows; row++) {
    const dy = f64(load<T>(job.dy + offset));
    const product = dy * ((f64(load<T>(job.x + offset)) - mean) * power);
    lostSum += lostOf(sum, dy, sum + dy);
    lostProducts += lostOf(products, product, products + product);
    sum += dy;
    products += product;
    offset += job.stride;
  }
  const size = job.columns * 8;
  store<f64>(A, sum);
  store<f64>(A + size, products);
  store<f64>(A + 2 * size, lostSum);
  store<f64>(A + 3 * size, lostProducts);
}
