/** What ends a channel's moments: mean and variance, or for splitMoments the mean in two parts and the squares. */
import { carefulMoments } from "../../careful/moments";
import { job } from "../../job";
import { count } from "../../shape";
import { lost, lostOf, pair, storePair, zero } from "../../vector";
import { storeMean, storeSquares } from "./stats";

/** Squares about the channel's mean of n values with sum a and squares q about a shift that lies `offset` from it. */
export function squaresAboutMean(n: f64, inverse: f64, a: f64, q: f64, offset: f64): f64 {
  const own = a * inverse;
  return q - a * own + n * (offset + own) * (offset + own);
}

/** mean = pivot + delta; sums that are not finite are taken again, carefully. */
export function storeChannel<T>(channel: u32, pivot: f64, delta: f64, squares: f64): void {
  if (!(squares < Infinity)) {
    carefulMoments<T>(channel);
    return;
  }
  const mean = pivot + delta;
  storeMean<T>(channel, mean, lostOf(pivot, delta, mean));
  storeSquares<T>(channel, max<f64>(squares, 0), 0);
}

/** The same of two channels whose squares are finite. */
export function storePairOfChannels<T>(channel: u32, pivot: v128, delta: v128, squares: v128): void {
  const at = channel * sizeof<T>();
  const mean = f64x2.add(pivot, delta);
  storePair<T>(job.mean + at, mean);
  squares = f64x2.max(squares, zero());
  if (job.variance) {
    storePair<T>(job.variance + at, f64x2.div(squares, f64x2.splat(count())));
    return;
  }
  storePair<T>(job.m2 + at, squares);
  storePair<T>(job.meanLow + at, f64x2.add(f64x2.sub(mean, pair<T>(job.mean + at)), lost(pivot, delta, mean)));
}
