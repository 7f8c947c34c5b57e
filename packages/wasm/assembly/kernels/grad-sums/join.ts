/** The blocks and columns of a channel, joined. */

import { inverseOf, meanOf } from "../../coefficients";
import { job } from "../../job";
import { entries } from "../../shape";
import { inversePair, powerPair } from "../../tables";
import { finite, lost, lostOf, pair, regain, storePair, zero } from "../../vector";
import { powerOf, storeSums } from "./store";

export function joinColumns<T>(channel: u32, column: u32): void {
  const width = job.channels * job.inner;
  const size = job.columns * 8;
  let sum: f64 = 0;
  let products: f64 = 0;
  let lostSum: f64 = 0;
  let lostProducts: f64 = 0;
  for (let part: u32 = 0; part < job.parts && part * job.span < job.rows; part++) {
    const A = entries(part, 0);
    for (let fold: u32 = 0; fold < job.fold; fold++) {
      for (let c = fold * width + column, end = c + job.inner; c < end; c++) {
        const p = A + c * 8;
        const dy = load<f64>(p);
        const product = load<f64>(p + size);
        lostSum += lostOf(sum, dy, sum + dy) + load<f64>(p + 2 * size);
        lostProducts += lostOf(products, product, products + product) + load<f64>(p + 3 * size);
        sum += dy;
        products += product;
      }
    }
  }
  const tail = job.rows * job.stride;
  const mean = f64(meanOf<T>(channel));
  const power = powerOf(inverseOf<T>(channel));
  for (let at = column; at < job.rest; at += width) {
    for (let c = at, end = at + job.inner; c < end; c++) {
      const dy = f64(load<T>(job.dy + tail + c * sizeof<T>()));
      const product = dy * ((f64(load<T>(job.x + tail + c * sizeof<T>())) - mean) * power);
      lostSum += lostOf(sum, dy, sum + dy);
      lostProducts += lostOf(products, product, products + product);
      sum += dy;
      products += product;
    }
  }
  storeSums<T>(channel, finite(sum) ? sum + lostSum : sum, finite(products) ? products + lostProducts : products);
}

/** `joinColumns` of two channels whose columns are neighbours. */
export function joinPair<T>(channel: u32, column: u32): void {
  const width = job.channels;
  const size = job.columns * 8;
  let sum = zero();
  let products = zero();
  let lostSum = zero();
  let lostProducts = zero();
  for (let part: u32 = 0; part < job.parts && part * job.span < job.rows; part++) {
    const A = entries(part, 0) + column * 8;
    for (let fold: u32 = 0; fold < job.fold; fold++) {
      const p = A + fold * width * 8;
      const dy = v128.load(p);
      const product = v128.load(p + size);
      const nextSum = f64x2.add(sum, dy);
      const nextProducts = f64x2.add(products, product);
      lostSum = f64x2.add(lostSum, f64x2.add(lost(sum, dy, nextSum), v128.load(p + 2 * size)));
      lostProducts = f64x2.add(lostProducts, f64x2.add(lost(products, product, nextProducts), v128.load(p + 3 * size)));
      sum = nextSum;
      products = nextProducts;
    }
  }
  const r = inversePair<T>(channel);
  const power = powerPair(r);
  const mean = job.mean ? pair<T>(job.mean + channel * sizeof<T>()) : zero();
  const tail = job.rows * job.stride;
  for (let at = column; at < job.rest; at += width) {
    const dy = pair<T>(job.dy + tail + at * sizeof<T>());
    const d = f64x2.mul(f64x2.sub(pair<T>(job.x + tail + at * sizeof<T>()), mean), power);
    const product = f64x2.mul(dy, d);
    const nextSum = f64x2.add(sum, dy);
    const nextProducts = f64x2.add(products, product);
    lostSum = f64x2.add(lostSum, lost(sum, dy, nextSum));
    lostProducts = f64x2.add(lostProducts, lost(products, product, nextProducts));
    sum = nextSum;
    products = nextProducts;
  }
  if (!v128.all_true<i64>(f64x2.eq(f64x2.sub(sum, sum), f64x2.sub(products, products)))) {
    joinColumns<T>(channel, column);
    joinColumns<T>(channel + 1, column + 1);
    return;
  }
  const at = channel * sizeof<T>();
  const total = regain(sum, lostSum);
  const dot = f64x2.mul(regain(products, lostProducts), f64x2.div(r, power));
  if (job.sumDy) storePair<T>(job.sumDy + at, total);
  if (job.sumDyXhat) storePair<T>(job.sumDyXhat + at, dot);
  if (job.gradGamma) addPair<T>(job.gradGamma + at, dot);
  if (job.gradBeta) addPair<T>(job.gradBeta + at, total);
}

/** Adds two sums, rounded first, as `storeSums` does. */
function addPair<T>(p: usize, v: v128): void {
  store<T>(p, load<T>(p) + <T>f64x2.extract_lane(v, 0));
  store<T>(p, load<T>(p, sizeof<T>()) + <T>f64x2.extract_lane(v, 1), sizeof<T>());
}
