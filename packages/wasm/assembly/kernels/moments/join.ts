/** The blocks and columns of a channel, joined by Chan's formula: shifts differ exactly, so nothing cancels. */
import { job } from "../../job";
import { SHIFTS } from "../../runs";
import { count, entries } from "../../shape";
import { finite, lost, lostOf, pair, regain, zero } from "../../vector";
import { squaresAboutMean, storeChannel, storePairOfChannels } from "./store";

/** Channels of one column and one block each: nothing to join. The last of an odd number is left. */
export function closeColumns<T>(first: u32, channels: u32): u32 {
  const size = job.columns * 8;
  const m = f64x2.splat(count());
  const A = entries(0, 0);
  const S = entries(0, SHIFTS);
  let i: u32 = 0;
  for (; i + 2 <= channels; i += 2) {
    const p = A + i * 8;
    const a = f64x2.add(v128.load(p), v128.load(p + 2 * size));
    const q = f64x2.add(v128.load(p + size), v128.load(p + 3 * size));
    const delta = f64x2.div(a, m);
    const squares = f64x2.sub(q, f64x2.mul(a, delta));
    if (v128.all_true<i64>(f64x2.lt(squares, f64x2.splat(Infinity)))) {
      storePairOfChannels<T>(first + i, pair<T>(S + i * sizeof<T>()), delta, squares);
    } else {
      joinColumns<T>(first + i, i);
      joinColumns<T>(first + i + 1, i + 1);
    }
  }
  return i;
}

/** `joinColumns` of two channels whose columns are neighbours. Sums that are not finite go the slow way. */
export function joinPair<T>(channel: u32, column: u32): void {
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
    const values = f64(min(job.span, job.rows - part * job.span));
    const n = f64x2.splat(values);
    const inverse = f64x2.splat(1 / values);
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
  storePairOfChannels<T>(channel, pivot, delta, squares);
}

/** All columns and blocks of one channel, as `joinParts`; a last, short row counts value by value. */
export function joinColumns<T>(channel: u32, column: u32): void {
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
        const term = squaresAboutMean(n, inverse, a, q, f64(load<T>(S + c * sizeof<T>())) - pivot - delta);
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
  storeChannel<T>(channel, pivot, delta, squares + rest);
}
