/** Values near a channel's mean, to subtract before anything is summed. */
import { job } from "../../job";
import { table } from "../../shape";
import { loadTail, upper, zero } from "../../vector";

/** Of up to 32 probes of 16 values, spread evenly: one of the nearest to their mean. A NaN or infinity is never nearer. */
export function guess<T>(x: usize, stride: usize, inner: u32, from: u32, n: u32): T {
  const probes = min(max<u32>(n >> 8, 2), 32);
  const step = n / probes;
  const stepRows = step / inner;
  const stepColumns = step - stepRows * inner;
  const row = from / inner;
  const column = from - row * inner;
  const last = inner - 16; // a probe lies within its row
  const start = x + row * stride;
  const first = load<T>(start + min(column, last) * sizeof<T>());
  const pivot = v128.splat<T>(first);
  let sum = zero();
  for (let i: u32 = 0, r = start, c = column; i < probes; i++) {
    const p = r + min(c, last) * sizeof<T>();
    for (let k: usize = 0; k < 16 * sizeof<T>(); k += 16) sum = v128.add<T>(sum, v128.sub<T>(v128.load(p + k), pivot));
    r += stepRows * stride;
    c += stepColumns;
    if (c >= inner) {
      c -= inner;
      r += stride;
    }
  }
  const mean = v128.splat<T>(first + lanesOf<T>(sum) / <T>f64(16 * probes));
  let best = pivot;
  let nearest = v128.abs<T>(v128.sub<T>(pivot, mean));
  for (let i: u32 = 0, r = start, c = column; i < probes; i++) {
    const value = v128.load(r + min(c, last) * sizeof<T>());
    const distance = v128.abs<T>(v128.sub<T>(value, mean));
    const nearer = v128.lt<T>(distance, nearest);
    best = v128.bitselect(value, best, nearer);
    nearest = v128.bitselect(distance, nearest, nearer);
    r += stepRows * stride;
    c += stepColumns;
    if (c >= inner) {
      c -= inner;
      r += stride;
    }
  }
  return nearestLane<T>(best, nearest);
}

/** The sum of all lanes. */
function lanesOf<T>(v: v128): T {
  const two = v128.add<T>(v, upper(v));
  if (sizeof<T>() === 8) return v128.extract_lane<T>(two, 0);
  return v128.extract_lane<T>(two, 0) + v128.extract_lane<T>(two, 1);
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

/** Table 0: for each column the value of up to 128 rows, spread evenly, that is nearest to their mean. */
export function guessColumns<T>(): void {
  const lanes: u32 = 16 / sizeof<T>();
  const x = job.x + job.firstColumn * sizeof<T>();
  const rows = job.rows;
  const probes = min(rows, max(16, min(rows >> 4, 128)));
  const step = (rows / probes) * job.stride;
  const inverse = v128.splat<T>(<T>(1 / f64(probes)));
  const left = job.columns & (lanes - 1);
  const whole = (job.columns - left) * sizeof<T>();
  for (let at: usize = 0; at < whole; at += 16) {
    const first = x + at;
    const end = first + probes * step; // compared for equality: it may lie beyond 4 GiB
    const pivot = v128.load(first);
    let sum = zero();
    for (let p = first + step; p !== end; p += step) {
      sum = v128.add<T>(sum, v128.sub<T>(v128.load(p), pivot));
    }
    const mean = v128.add<T>(pivot, v128.mul<T>(sum, inverse));
    let best = pivot;
    let nearest = v128.abs<T>(v128.sub<T>(pivot, mean));
    for (let p = first + step; p !== end; p += step) {
      const value = v128.load(p);
      const distance = v128.abs<T>(v128.sub<T>(value, mean));
      const nearer = v128.lt<T>(distance, nearest);
      best = v128.bitselect(value, best, nearer);
      nearest = v128.bitselect(distance, nearest, nearer);
    }
    v128.store(table(0) + at, best);
  }
  // The last columns, fewer than a vector, need no good guess: theirs are summed in float64, compensated.
  if (left > 0) v128.store(table(0) + whole, loadTail<T>(x + whole, left));
}
