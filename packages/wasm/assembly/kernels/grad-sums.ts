/**
 * K-3. For each channel sum dy and sum dy * x^, x^ = (x - mean) r; adds them into the gradients of beta and gamma.
 *
 * The terms are dy * ((x - mean) p), p the power of two next to r, and the sum is multiplied by r / p in float64: the
 * terms are in range wherever dy * x^ is, and nothing but dy * (x - mean) rounds. Runs as in moments.ts. Bounds: N-5, N-7.
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
import { inversePair, powerPair, spread, spreadPowers } from "../tables";
import { finite, firstLanes, loadTail, lost, lostOf, pair, regain, storePair, total, widen, zero } from "../vector";
import { flush, ROWS, RUN } from "./moments";
import { inverseOf, meanOf } from "./normalize";

let dySum: f64 = 0;
let productSum: f64 = 0;

export function gradSums<T>(
  dy: usize,
  x: usize,
  outer: u32,
  channels: u32,
  inner: u32,
  mean: usize,
  variance: usize,
  eps: f64,
  sumDy: usize,
  sumDyXhat: usize,
  gradGamma: usize,
  gradBeta: usize,
): void {
  job.dy = dy;
  job.x = x;
  job.mean = mean;
  job.variance = variance;
  job.eps = eps;
  job.sumDy = sumDy;
  job.sumDyXhat = sumDyXhat;
  job.gradGamma = gradGamma;
  job.gradBeta = gradBeta;
  sumTensor<T>(outer, channels, inner);
}

/** The sums of the job's operands. Without `variance` and `mean` (0): sum dy * x. */
export function sumTensor<T>(outer: u32, channels: u32, inner: u32): void {
  if (!usePlanes(outer, channels, inner)) {
    const width = channels * job.inner;
    for (let column: u32 = 0; column < width; column += job.columns) {
      planColumns<T>(column);
      gradSumsOfTile<T>();
    }
  } else if (planChannels<T>(2)) {
    run((item: u32) => gradSumsOfChannels<T>(item), parts(channels, job.span), 2 * bytes<T>());
  } else {
    gradSumsOfParts<T>();
  }
}

/** The power of two at or below r; 1 where r is 0, infinite or NaN. */
function powerOf(r: f64): f64 {
  const bits = reinterpret<u64>(r) & 0x7ff0000000000000;
  return r > 0 && r < Infinity ? reinterpret<f64>(bits) : 1;
}

function store_<T>(channel: u32, sum: f64, products: f64): void {
  const r = inverseOf<T>(channel);
  const at = channel * sizeof<T>();
  const dot = <T>(products * (r / powerOf(r)));
  if (job.sumDy) store<T>(job.sumDy + at, <T>sum);
  if (job.sumDyXhat) store<T>(job.sumDyXhat + at, dot);
  if (job.gradGamma) store<T>(job.gradGamma + at, load<T>(job.gradGamma + at) + dot);
  if (job.gradBeta) store<T>(job.gradBeta + at, load<T>(job.gradBeta + at) + <T>sum);
}

// ---- planes

export function gradSumsOfChannels<T>(item: u32): void {
  const last = min((item + 1) * job.span, job.channels);
  for (let channel = item * job.span; channel < last; channel++) gradSumsOfChannel<T>(channel);
}

export function gradSumsOfChannel<T>(channel: u32): void {
  sums<T>(channel, 0, count());
  store_<T>(channel, dySum, productSum);
}

export function gradSumsOfParts<T>(): void {
  run((item: u32) => gradSumsOfPart<T>(item), job.channels * job.parts, 2 * bytes<T>());
  for (let channel: u32 = 0; channel < job.channels; channel++) {
    const first = scratchAt() + channel * job.parts * ENTRY;
    let sum: f64 = 0;
    let products: f64 = 0;
    let lostSum: f64 = 0;
    let lostProducts: f64 = 0;
    for (let part: u32 = 0; part < job.parts; part++) {
      const dy = load<f64>(first + part * ENTRY);
      const product = load<f64>(first + part * ENTRY, 8);
      lostSum += lostOf(sum, dy, sum + dy);
      lostProducts += lostOf(products, product, products + product);
      sum += dy;
      products += product;
    }
    store_<T>(channel, finite(sum) ? sum + lostSum : sum, finite(products) ? products + lostProducts : products);
  }
}

export function gradSumsOfPart<T>(item: u32): void {
  const from = (item % job.parts) * job.span;
  sums<T>(item / job.parts, from, min(job.span, count() - from));
  const entry = scratchAt() + item * ENTRY;
  store<f64>(entry, dySum, 0);
  store<f64>(entry, productSum, 8);
}

/** Both sums over elements [from, from + n) of a channel. */
function sums<T>(channel: u32, from: u32, n: u32): void {
  const lanes: u32 = 16 / sizeof<T>();
  const inner = job.inner;
  const stride = job.channels * inner * sizeof<T>();
  const m = v128.splat<T>(meanOf<T>(channel));
  const r = v128.splat<T>(<T>powerOf(inverseOf<T>(channel)));
  const apart = job.x - job.dy;
  let A = zero();
  let P = zero();
  let lostA = zero();
  let lostP = zero();
  let a = zero();
  let q = zero();
  let adds: u32 = 0;
  const row = from / inner;
  let column = from - row * inner;
  let start = job.dy + channel * inner * sizeof<T>() + row * stride;
  while (n > 0) {
    let rest = min(inner - column, n);
    n -= rest;
    let p = start + column * sizeof<T>();
    column = 0;
    start += stride;
    do {
      const quads = min(RUN - adds, rest / (4 * lanes));
      for (const end = p + quads * 64; p < end; p += 64) {
        const x = p + apart;
        const g0 = v128.load(p);
        const g1 = v128.load(p, 16);
        const g2 = v128.load(p, 32);
        const g3 = v128.load(p, 48);
        const d0 = v128.mul<T>(v128.mul<T>(v128.sub<T>(v128.load(x), m), r), g0);
        const d1 = v128.mul<T>(v128.mul<T>(v128.sub<T>(v128.load(x, 16), m), r), g1);
        const d2 = v128.mul<T>(v128.mul<T>(v128.sub<T>(v128.load(x, 32), m), r), g2);
        const d3 = v128.mul<T>(v128.mul<T>(v128.sub<T>(v128.load(x, 48), m), r), g3);
        a = v128.add<T>(a, v128.add<T>(v128.add<T>(g0, g1), v128.add<T>(g2, g3)));
        q = v128.add<T>(q, v128.add<T>(v128.add<T>(d0, d1), v128.add<T>(d2, d3)));
      }
      adds += quads;
      rest -= quads * 4 * lanes;
      if (rest > 0 && rest < 4 * lanes && adds < RUN) {
        let t = zero();
        let u = zero();
        for (; rest >= lanes; rest -= lanes) {
          const g = v128.load(p);
          t = v128.add<T>(t, g);
          u = v128.add<T>(u, v128.mul<T>(v128.mul<T>(v128.sub<T>(v128.load(p + apart), m), r), g));
          p += 16;
        }
        if (rest > 0) {
          const g = loadTail<T>(p, rest);
          const d = v128.mul<T>(v128.mul<T>(v128.sub<T>(loadTail<T>(p + apart, rest), m), r), g);
          t = v128.add<T>(t, g);
          u = v128.add<T>(u, v128.and(d, firstLanes<T>(rest)));
          rest = 0;
        }
        a = v128.add<T>(a, t);
        q = v128.add<T>(q, u);
        adds++;
      }
      if (adds === RUN || (n === 0 && rest === 0)) {
        if (sizeof<T>() === 4) {
          A = widen(A, a);
          P = widen(P, q);
        } else {
          const nextA = f64x2.add(A, a);
          const nextP = f64x2.add(P, q);
          lostA = f64x2.add(lostA, lost(A, a, nextA));
          lostP = f64x2.add(lostP, lost(P, q, nextP));
          A = nextA;
          P = nextP;
        }
        a = zero();
        q = zero();
        adds = 0;
      }
    } while (rest > 0);
  }
  dySum = total(A, lostA);
  productSum = total(P, lostP);
}

// ---- columns

export function gradSumsOfTile<T>(): void {
  spread<T>(0, job.mean, 0);
  spreadPowers<T>(1);
  run((item: u32) => gradSumsOfRows<T>(item), job.parts, 2 * job.rows * job.columns * sizeof<T>());
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
  const a = entries(item, 4);
  const q = entries(item, 5);
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

function joinColumns<T>(channel: u32, column: u32): void {
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
  store_<T>(channel, finite(sum) ? sum + lostSum : sum, finite(products) ? products + lostProducts : products);
}

/** `joinColumns` of two channels whose columns are neighbours. */
function joinPair<T>(channel: u32, column: u32): void {
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
  const at = channel * sizeof<T>();
  const total = regain(sum, lostSum);
  const dot = f64x2.mul(regain(products, lostProducts), f64x2.div(r, power));
  if (job.sumDy) storePair<T>(job.sumDy + at, total);
  if (job.sumDyXhat) storePair<T>(job.sumDyXhat + at, dot);
  if (job.gradGamma) addPair<T>(job.gradGamma + at, dot);
  if (job.gradBeta) addPair<T>(job.gradBeta + at, total);
}

/** Adds two sums, rounded first, as `store_` does. */
function addPair<T>(p: usize, v: v128): void {
  store<T>(p, load<T>(p) + <T>f64x2.extract_lane(v, 0));
  store<T>(p, load<T>(p, sizeof<T>()) + <T>f64x2.extract_lane(v, 1), sizeof<T>());
}
