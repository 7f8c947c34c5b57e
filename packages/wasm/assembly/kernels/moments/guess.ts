/** Values near a channel's mean, to subtract before anything is summed. */
import { job } from "../../job";
import { table } from "../../shape";
import { loadUpTo, total, widen, zero } from "../../vector";

/** Of up to 32 probes of 16 values, spread evenly: one of the nearest to their mean. A NaN or infinity is never nearer. */
export function guess<T>(x: usize, stride: usize, inner: u32, from: u32, n: u32): T {
  const probes = min(max<u32>(n >> 8, 2), 32);
  const step = n / probes;
  const first = load<T>(probe<T>(x, stride, inner, from));
  const pivot = v128.splat<T>(first);
  let sum = zero();
  for (let i: u32 = 0; i < probes; i++) {
    const p = probe<T>(x, stride, inner, from + i * step);
    for (let k: usize = 0; k < 16 * sizeof<T>(); k += 16) sum = v128.add<T>(sum, v128.sub<T>(v128.load(p + k), pivot));
  }
  const sums = sizeof<T>() === 4 ? widen(zero(), sum) : sum;
  const mean = v128.splat<T>(<T>(f64(first) + total(sums, zero()) / (16 * probes)));
  let best = pivot;
  let nearest = v128.abs<T>(v128.sub<T>(pivot, mean));
  for (let i: u32 = 0; i < probes; i++) {
    const value = v128.load(probe<T>(x, stride, inner, from + i * step));
    const distance = v128.abs<T>(v128.sub<T>(value, mean));
    const nearer = v128.lt<T>(distance, nearest);
    best = v128.bitselect(value, best, nearer);
    nearest = v128.bitselect(distance, nearest, nearer);
  }
  return nearestLane<T>(best, nearest);
}

/** Without branches: which lane it is cannot be foretold. */
function nearestLane<T>(values: v128, distances: v128): T {
  let d = v128.extract_lane<T>(distances, 0);
  let value = v128.extract_lane<T>(values, 0);
  let e = v128.extract_lane<T>(distances, 1);
  value = select<T>(v128.extract_lane<T>(values, 1), value, e < d);
  if (sizeof<T>() === 8) return value;
  d = min<T>(d, e);
  e = v128.extract_lane<T>(distances, 2);
  value = select<T>(v128.extract_lane<T>(values, 2), value, e < d);
  d = min<T>(d, e);
  e = v128.extract_lane<T>(distances, 3);
  return select<T>(v128.extract_lane<T>(values, 3), value, e < d);
}

/** Address of 16 values of a row that holds element e, at e or as near as the row's end allows. */
function probe<T>(x: usize, stride: usize, inner: u32, e: u32): usize {
  const row = e / inner;
  return x + row * stride + min(e - row * inner, inner - 16) * sizeof<T>();
}

/** Table 0: for each column the value of up to 128 rows, spread evenly, that is nearest to their mean. */
export function guessColumns<T>(): void {
  const lanes: u32 = 16 / sizeof<T>();
  const x = job.x + job.firstColumn * sizeof<T>();
  const rows = job.rows;
  const probes = min(rows, max(16, min(rows >> 4, 128)));
  const step = (rows / probes) * job.stride;
  const inverse = v128.splat<T>(<T>(1 / f64(probes)));
  for (let c: u32 = 0; c < job.columns; c += lanes) {
    const left = job.columns - c;
    const first = x + c * sizeof<T>();
    const pivot = loadUpTo<T>(first, left);
    let sum = zero();
    for (let i: u32 = 1; i < probes; i++) {
      sum = v128.add<T>(sum, v128.sub<T>(loadUpTo<T>(first + i * step, left), pivot));
    }
    const mean = v128.add<T>(pivot, v128.mul<T>(sum, inverse));
    let best = pivot;
    let nearest = v128.abs<T>(v128.sub<T>(pivot, mean));
    for (let i: u32 = 1; i < probes; i++) {
      const value = loadUpTo<T>(first + i * step, left);
      const distance = v128.abs<T>(v128.sub<T>(value, mean));
      const nearer = v128.lt<T>(distance, nearest);
      best = v128.bitselect(value, best, nearer);
      nearest = v128.bitselect(distance, nearest, nearer);
    }
    v128.store(table(0) + c * sizeof<T>(), best);
  }
}
