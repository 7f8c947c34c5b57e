/**
 * K-1. Mean and biased variance of each channel.
 *
 * Sums of d = x - s and of d * d, s a value of the channel near its mean, so that neither cancels. float32: runs of 16
 * additions a lane (each of a tree of 4), then float64. float64: the same runs, their sums compensated. Then
 * mean = s + A / n, variance = (Q - A A / n) / n: exact where all sums are. Where s was a bad guess (A A / n > Q / 4) the
 * sums are taken again about the mean just found; float64 always does so. Bounds: N-1, N-2, N-7.
 */
import { job, run, scratchAt } from "../job";
import {
  bytes,
  count,
  ENTRY,
  entries,
  parts,
  planChannels,
  planColumns,
  table,
  tileChannels,
  usePlanes,
} from "../shape";
import {
  finite,
  firstLanes,
  loadTail,
  loadUpTo,
  lost,
  lostOf,
  pair,
  regain,
  storePair,
  total,
  widen,
  zero,
} from "../vector";

/** Additions a lane before a flush, and rows of columns. */
export const RUN: u32 = 16;
export const ROWS: u32 = 48;

/** Results of `deviations` and `settled`: AssemblyScript returns one value. */
let sumOf: f64 = 0;
let squaresOf: f64 = 0;
let shiftOf: f64 = 0;

export function lastSum(): f64 {
  return sumOf;
}
export function lastSquares(): f64 {
  return squaresOf;
}

export function moments<T>(x: usize, outer: u32, channels: u32, inner: u32, mean: usize, variance: usize): void {
  job.x = x;
  job.mean = mean;
  job.variance = variance;
  if (!usePlanes(outer, channels, inner)) {
    const width = channels * job.inner;
    for (let column: u32 = 0; column < width; column += job.columns) {
      planColumns<T>(column);
      momentsOfTile<T>();
    }
  } else if (planChannels<T>(1)) {
    run((item: u32) => momentsOfChannels<T>(item), parts(channels, job.span), bytes<T>());
  } else {
    momentsOfParts<T>();
  }
}

// ---- planes

export function momentsOfChannels<T>(item: u32): void {
  const last = min((item + 1) * job.span, job.channels);
  for (let channel = item * job.span; channel < last; channel++) momentsOfChannel<T>(channel);
}

export function momentsOfChannel<T>(channel: u32): void {
  const n = count();
  settled<T>(channel, 0, n);
  const delta = sumOf / n;
  store_<T>(channel, shiftOf, sumOf, delta, squaresOf - sumOf * delta);
}

/** Parts of a channel on their own, then together. */
export function momentsOfParts<T>(): void {
  run((item: u32) => momentsOfPart<T>(item), job.channels * job.parts, bytes<T>());
  for (let channel: u32 = 0; channel < job.channels; channel++) joinParts<T>(channel);
}

export function momentsOfPart<T>(item: u32): void {
  const from = (item % job.parts) * job.span;
  settled<T>(item / job.parts, from, min(job.span, count() - from));
  const entry = scratchAt() + item * ENTRY;
  store<f64>(entry, sumOf, 0);
  store<f64>(entry, squaresOf, 8);
  store<f64>(entry, shiftOf, 16);
}

/** Chan's formula over all parts: shifts differ exactly, so nothing cancels. */
function joinParts<T>(channel: u32): void {
  const m = count();
  const first = scratchAt() + channel * job.parts * ENTRY;
  const pivot = load<f64>(first, 16);
  let sum: f64 = 0;
  let rest: f64 = 0;
  for (let part: u32 = 0; part < job.parts; part++) {
    const entry = first + part * ENTRY;
    const n = f64(min(job.span, m - part * job.span));
    const term = load<f64>(entry) + n * (load<f64>(entry, 16) - pivot);
    const next = sum + term;
    rest += lostOf(sum, term, next);
    sum = next;
  }
  if (finite(rest)) sum += rest;
  const delta = sum / m;
  let squares: f64 = 0;
  for (let part: u32 = 0; part < job.parts; part++) {
    const entry = first + part * ENTRY;
    const n = f64(min(job.span, m - part * job.span));
    squares += spread(n, 1 / n, load<f64>(entry), load<f64>(entry, 8), load<f64>(entry, 16) - pivot - delta);
  }
  store_<T>(channel, pivot, sum, delta, squares);
}

/** Squares about the channel's mean of n values with sum a and squares q about a shift that lies `offset` from it. */
function spread(n: f64, inverse: f64, a: f64, q: f64, offset: f64): f64 {
  const own = a * inverse;
  return q - a * own + n * (offset + own) * (offset + own);
}

/** mean = pivot + delta and variance = squares / m; sums that are not finite are taken again, plainly, in float64. */
function store_<T>(channel: u32, pivot: f64, sum: f64, delta: f64, squares: f64): void {
  if (!(squares < Infinity)) {
    plainly<T>(channel, finite(sum), pivot + delta);
    return;
  }
  store<T>(job.mean + channel * sizeof<T>(), <T>(pivot + delta));
  store<T>(job.variance + channel * sizeof<T>(), <T>(max<f64>(squares, 0) / count()));
}

/** Infinities, NaN, and squares that exceed the dtype: slow, and with the results of plain float64. */
function plainly<T>(channel: u32, known: bool, mean: f64): void {
  const m = count();
  const x = job.x + channel * job.inner * sizeof<T>();
  const stride = job.channels * job.inner * sizeof<T>();
  if (!known) {
    let sum: f64 = 0;
    for (let o: u32 = 0; o < job.outer; o++) {
      for (let i: u32 = 0; i < job.inner; i++) sum += f64(load<T>(x + o * stride + i * sizeof<T>()));
    }
    mean = sum / m;
  }
  let squares: f64 = 0;
  for (let o: u32 = 0; o < job.outer; o++) {
    for (let i: u32 = 0; i < job.inner; i++) {
      const d = f64(load<T>(x + o * stride + i * sizeof<T>())) - mean;
      squares += d * d;
    }
  }
  store<T>(job.mean + channel * sizeof<T>(), <T>mean);
  store<T>(job.variance + channel * sizeof<T>(), <T>(squares / m));
}

/** Elements [from, from + n) of a channel: sums about a good shift. */
function settled<T>(channel: u32, from: u32, n: u32): void {
  const x = job.x + channel * job.inner * sizeof<T>();
  const stride = job.channels * job.inner * sizeof<T>();
  const shift = guess<T>(x, stride, job.inner, from, n);
  deviations<T>(x, stride, job.inner, from, n, shift);
  shiftOf = f64(shift);
  if (sizeof<T>() === 8 ? finite(sumOf) : sumOf * sumOf * 4 > squaresOf * n) {
    const better = <T>(shiftOf + sumOf / n);
    deviations<T>(x, stride, job.inner, from, n, better);
    shiftOf = f64(better);
  }
}

/** Of up to 32 probes of 16 values, spread evenly: one of the nearest to their mean. A NaN or infinity is never nearer. */
function guess<T>(x: usize, stride: usize, inner: u32, from: u32, n: u32): T {
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

/** A = sum of x - shift and Q = sum of its square, over elements [from, from + n) of rows of `inner`. */
function deviations<T>(x: usize, stride: usize, inner: u32, from: u32, n: u32, shift: T): void {
  const lanes: u32 = 16 / sizeof<T>();
  const s = v128.splat<T>(shift);
  let A = zero();
  let Q = zero();
  let lostA = zero();
  let lostQ = zero();
  let a = zero();
  let q = zero();
  let adds: u32 = 0;
  const row = from / inner;
  let column = from - row * inner;
  let start = x + row * stride;
  while (n > 0) {
    let rest = min(inner - column, n);
    n -= rest;
    let p = start + column * sizeof<T>();
    column = 0;
    start += stride;
    do {
      const quads = min(RUN - adds, rest / (4 * lanes));
      for (const end = p + quads * 64; p < end; p += 64) {
        const d0 = v128.sub<T>(v128.load(p), s);
        const d1 = v128.sub<T>(v128.load(p, 16), s);
        const d2 = v128.sub<T>(v128.load(p, 32), s);
        const d3 = v128.sub<T>(v128.load(p, 48), s);
        a = v128.add<T>(a, v128.add<T>(v128.add<T>(d0, d1), v128.add<T>(d2, d3)));
        const q01 = v128.add<T>(v128.mul<T>(d0, d0), v128.mul<T>(d1, d1));
        const q23 = v128.add<T>(v128.mul<T>(d2, d2), v128.mul<T>(d3, d3));
        q = v128.add<T>(q, v128.add<T>(q01, q23));
      }
      adds += quads;
      rest -= quads * 4 * lanes;
      if (rest > 0 && rest < 4 * lanes && adds < RUN) {
        let t = zero();
        let u = zero();
        for (; rest >= lanes; rest -= lanes) {
          const d = v128.sub<T>(v128.load(p), s);
          t = v128.add<T>(t, d);
          u = v128.add<T>(u, v128.mul<T>(d, d));
          p += 16;
        }
        if (rest > 0) {
          const d = v128.and(v128.sub<T>(loadTail<T>(p, rest), s), firstLanes<T>(rest));
          t = v128.add<T>(t, d);
          u = v128.add<T>(u, v128.mul<T>(d, d));
          rest = 0;
        }
        a = v128.add<T>(a, t);
        q = v128.add<T>(q, u);
        adds++;
      }
      if (adds === RUN || (n === 0 && rest === 0)) {
        if (sizeof<T>() === 4) {
          A = widen(A, a);
          Q = widen(Q, q);
        } else {
          const nextA = f64x2.add(A, a);
          const nextQ = f64x2.add(Q, q);
          lostA = f64x2.add(lostA, lost(A, a, nextA));
          lostQ = f64x2.add(lostQ, lost(Q, q, nextQ));
          A = nextA;
          Q = nextQ;
        }
        a = zero();
        q = zero();
        adds = 0;
      }
    } while (rest > 0);
  }
  sumOf = total(A, lostA);
  squaresOf = total(Q, lostQ);
}

// ---- columns

/** Blocks of rows on their own, then together, channel by channel. */
export function momentsOfTile<T>(): void {
  if (job.rows > 0) guessColumns<T>();
  run((item: u32) => momentsOfRows<T>(item), job.parts, job.rows * job.columns * sizeof<T>());
  const first = job.firstColumn / job.inner;
  const channels = tileChannels();
  let i: u32 = 0;
  if (job.inner === 1) for (; i + 2 <= channels; i += 2) joinPair<T>(first + i, i);
  for (; i < channels; i++) joinColumns<T>(first + i, i * job.inner);
}

/** Table 0: for each column the value of up to 128 rows, spread evenly, that is nearest to their mean. */
function guessColumns<T>(): void {
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

/** Arrays of a block: A, Q, what they lost, runs a and q (of T), shifts (of T). */
const SHIFTS: u32 = 6;

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
  const a = entries(item, 4);
  const q = entries(item, 5);
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

/** `joinColumns` of two channels whose columns are neighbours. Sums that are not finite go the slow way. */
function joinPair<T>(channel: u32, column: u32): void {
  const width = job.channels;
  const size = job.columns * 8;
  const tail = job.x + job.rows * job.stride;
  const pivot = pair<T>(job.rows > 0 ? entries(0, SHIFTS) + column * sizeof<T>() : tail + column * sizeof<T>());
  let sum = zero();
  let rest = zero();
  for (let part: u32 = 0; part < job.parts && part * job.span < job.rows; part++) {
    const n = f64x2.splat(min(job.span, job.rows - part * job.span));
    for (let fold: u32 = 0; fold < job.fold; fold++) {
      const c = fold * width + column;
      const p = entries(part, 0) + c * 8;
      const shift = f64x2.sub(pair<T>(entries(part, SHIFTS) + c * sizeof<T>()), pivot);
      const term = f64x2.add(v128.load(p), f64x2.mul(n, shift));
      const next = f64x2.add(sum, term);
      rest = f64x2.add(rest, f64x2.add(lost(sum, term, next), v128.load(p + 2 * size)));
      sum = next;
    }
  }
  for (let at = column; at < job.rest; at += width) {
    const term = f64x2.sub(pair<T>(tail + at * sizeof<T>()), pivot);
    const next = f64x2.add(sum, term);
    rest = f64x2.add(rest, lost(sum, term, next));
    sum = next;
  }
  const m = f64x2.splat(count());
  const delta = f64x2.div(regain(sum, rest), m);
  let squares = zero();
  rest = zero();
  for (let part: u32 = 0; part < job.parts && part * job.span < job.rows; part++) {
    const count = f64(min(job.span, job.rows - part * job.span));
    const n = f64x2.splat(count);
    const inverse = f64x2.splat(1 / count);
    for (let fold: u32 = 0; fold < job.fold; fold++) {
      const c = fold * width + column;
      const p = entries(part, 0) + c * 8;
      const a = f64x2.add(v128.load(p), v128.load(p + 2 * size));
      const q = f64x2.add(v128.load(p + size), v128.load(p + 3 * size));
      const own = f64x2.mul(a, inverse);
      const shift = f64x2.sub(pair<T>(entries(part, SHIFTS) + c * sizeof<T>()), pivot);
      const offset = f64x2.add(f64x2.sub(shift, delta), own);
      const term = f64x2.add(f64x2.sub(q, f64x2.mul(a, own)), f64x2.mul(n, f64x2.mul(offset, offset)));
      const next = f64x2.add(squares, term);
      rest = f64x2.add(rest, lost(squares, term, next));
      squares = next;
    }
  }
  for (let at = column; at < job.rest; at += width) {
    const d = f64x2.sub(f64x2.sub(pair<T>(tail + at * sizeof<T>()), pivot), delta);
    const term = f64x2.mul(d, d);
    const next = f64x2.add(squares, term);
    rest = f64x2.add(rest, lost(squares, term, next));
    squares = next;
  }
  squares = f64x2.add(squares, rest);
  if (!v128.all_true<i64>(f64x2.lt(squares, f64x2.splat(Infinity)))) {
    joinColumns<T>(channel, column);
    joinColumns<T>(channel + 1, column + 1);
    return;
  }
  storePair<T>(job.mean + channel * sizeof<T>(), f64x2.add(pivot, delta));
  storePair<T>(job.variance + channel * sizeof<T>(), f64x2.div(f64x2.max(squares, zero()), m));
}

/** All columns and blocks of one channel, as `joinParts`; a last, short row counts value by value. */
function joinColumns<T>(channel: u32, column: u32): void {
  const width = job.channels * job.inner;
  const size = job.columns * 8;
  const tail = job.x + job.rows * job.stride;
  let pivot: f64 =
    job.rows > 0 ? f64(load<T>(entries(0, SHIFTS) + column * sizeof<T>())) : f64(load<T>(tail + column * sizeof<T>()));
  if (!finite(pivot)) pivot = 0;
  let sum: f64 = 0;
  let rest: f64 = 0;
  for (let part: u32 = 0; part < job.parts; part++) {
    const n = f64(min(job.span, job.rows - part * job.span));
    if (n === 0) break;
    const A = entries(part, 0);
    const S = entries(part, SHIFTS);
    for (let fold: u32 = 0; fold < job.fold; fold++) {
      for (let c = fold * width + column, end = c + job.inner; c < end; c++) {
        const term = load<f64>(A + c * 8) + n * (f64(load<T>(S + c * sizeof<T>())) - pivot);
        const next = sum + term;
        rest += lostOf(sum, term, next);
        rest += load<f64>(A + 2 * size + c * 8);
        sum = next;
      }
    }
  }
  for (let at = column; at < job.rest; at += width) {
    for (let c = at, end = at + job.inner; c < end; c++) {
      const term = f64(load<T>(tail + c * sizeof<T>())) - pivot;
      const next = sum + term;
      rest += lostOf(sum, term, next);
      sum = next;
    }
  }
  if (finite(rest)) sum += rest;
  const delta = sum / count();
  let squares: f64 = 0;
  rest = 0;
  for (let part: u32 = 0; part < job.parts; part++) {
    const n = f64(min(job.span, job.rows - part * job.span));
    if (n === 0) break;
    const inverse = 1 / n;
    const A = entries(part, 0);
    const S = entries(part, SHIFTS);
    for (let fold: u32 = 0; fold < job.fold; fold++) {
      for (let c = fold * width + column, end = c + job.inner; c < end; c++) {
        const p = A + c * 8;
        const a = load<f64>(p) + load<f64>(p + 2 * size);
        const q = load<f64>(p + size) + load<f64>(p + 3 * size);
        const term = spread(n, inverse, a, q, f64(load<T>(S + c * sizeof<T>())) - pivot - delta);
        const next = squares + term;
        rest += lostOf(squares, term, next);
        squares = next;
      }
    }
  }
  for (let at = column; at < job.rest; at += width) {
    for (let c = at, end = at + job.inner; c < end; c++) {
      const d = f64(load<T>(tail + c * sizeof<T>())) - pivot - delta;
      const next = squares + d * d;
      rest += lostOf(squares, d * d, next);
      squares = next;
    }
  }
  store_<T>(channel, pivot, sum, delta, squares + rest);
}
