/**
 * The last step of a channel's moments, from A = sum of x - s and Q = sum of (x - s)^2:
 *
 * delta = A / m      mean = s + delta      variance = (Q - A delta) / m       exact if all sums are
 *
 * If s was a bad value (A delta > 3 / 8 Q, so that more than half a digit cancels), the channel is marked, and s
 * becomes the mean just found, with few bits of it (shift.ts), so that exact sums stay exact. Reason for 3 / 8: let a be
 * the error of A and q that of Q, in u. The squares then err by at most (q + 2 sqrt(3/8) a) / (1 - 3/8) u, which is 50 u
 * for a = 13 and q = 15 (reduce/). A run is full from m = 128 on, where N-2 allows 44 + log2 m = 51.
 */
import { carefulMoments } from "../../careful/moments";
import { job } from "../../job";
import { count, FLAGS, TOTALS, table } from "../../shape";
import { finite, lost, lostOf, pair, storePair, zero } from "../../vector";
import { coarse } from "./shift";
import { storeMean, storeSquares } from "./stats";

const LIMIT: f64 = 0.375;

/**
 * Finishes channels [first, last), whose shifts lie in `shifts`. Returns true if some of them are marked in FLAGS and
 * must be summed again.
 */
export function finishMoments<T>(first: u32, last: u32, shifts: usize): bool {
  const m = f64x2.splat(count());
  let marked = false;
  for (; first + 2 <= last; first += 2) {
    const i = first - job.first;
    const a = v128.load(table(TOTALS) + i * 8);
    const q = v128.load(table(TOTALS + 1) + i * 8);
    const delta = f64x2.div(a, m);
    const squares = f64x2.sub(q, f64x2.mul(a, delta));
    const good = v128.and(
      f64x2.le(f64x2.mul(a, delta), f64x2.mul(q, f64x2.splat(LIMIT))),
      f64x2.lt(squares, f64x2.splat(Infinity)),
    );
    if (v128.all_true<i64>(good)) {
      store<u16>(table(FLAGS) + i, 0);
      storeTwo<T>(first, pair<T>(shifts + i * sizeof<T>()), delta, squares, m);
    } else {
      const one = finishChannel<T>(first, shifts, false);
      const other = finishChannel<T>(first + 1, shifts, false);
      marked = marked || one || other;
    }
  }
  if (first < last && finishChannel<T>(first, shifts, false)) marked = true;
  return marked;
}

/**
 * Finishes one channel, which may be marked unless it is `again`. The careful kernel recomputes sums that are not
 * finite.
 */
export function finishChannel<T>(channel: u32, shifts: usize, again: bool): bool {
  const i = channel - job.first;
  const a = load<f64>(table(TOTALS) + i * 8);
  const q = load<f64>(table(TOTALS + 1) + i * 8);
  const shift = f64(load<T>(shifts + i * sizeof<T>()));
  const delta = a / f64(count());
  const squares = q - a * delta;
  store<u8>(table(FLAGS) + i, 0);
  if (!(squares < Infinity)) {
    carefulMoments<T>(channel);
    return false;
  }
  const mean = shift + delta;
  if (!again && a * delta > LIMIT * q && finite(f64(<T>mean))) {
    const deviation = f64x2.splat(sqrt(max<f64>(squares, 0) / f64(count())));
    const step = f64x2.extract_lane(coarse<f64>(f64x2.splat(delta), deviation), 0);
    store<T>(shifts + i * sizeof<T>(), <T>(shift + step));
    store<u8>(table(FLAGS) + i, 1);
    return true;
  }
  storeMean<T>(channel, mean, lostOf(shift, delta, mean));
  storeSquares<T>(channel, max<f64>(squares, 0), 0);
  return false;
}

function storeTwo<T>(channel: u32, shift: v128, delta: v128, squares: v128, m: v128): void {
  const at = channel * sizeof<T>();
  const mean = f64x2.add(shift, delta);
  storePair<T>(job.mean + at, mean);
  squares = f64x2.max(squares, zero());
  if (job.variance) {
    storePair<T>(job.variance + at, f64x2.div(squares, m));
    return;
  }
  storePair<T>(job.m2 + at, squares);
  storePair<T>(job.meanLow + at, f64x2.add(f64x2.sub(mean, pair<T>(job.mean + at)), lost(shift, delta, mean)));
}
