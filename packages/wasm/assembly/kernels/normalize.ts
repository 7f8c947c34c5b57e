/** K-2. y = (x - mean) * s + beta, s = gamma / sqrt(variance + eps) in float64 and rounded once. Bound: N-3. */
import { carefulNormalize } from "../careful/maps";
import { canBeHelped, differencesInRange, mapInRange } from "../careful/range";
import { meanOf, scaleOf } from "../coefficients";
import { job, run } from "../job";
import { bytes, channelsOfTile, elements, MAX_COLUMNS, parts, planColumns, SLICE, table, usePlanes } from "../shape";
import { scales, spread, spreadScales } from "../tables";
import { loadTail, storeTail } from "../vector";

export function normalize<T>(
  x: usize,
  outer: u32,
  channels: u32,
  inner: u32,
  mean: usize,
  variance: usize,
  eps: f64,
  gamma: usize,
  beta: usize,
  y: usize,
): void {
  job.x = x;
  job.mean = mean;
  job.variance = variance;
  job.eps = eps;
  job.gamma = gamma;
  job.beta = beta;
  job.y = y;
  mapTensor<T>(outer, channels, inner);
}

/** The map of the job's operands. Without `variance` (0) s is gamma; without `mean` nothing is subtracted. */
export function mapTensor<T>(outer: u32, channels: u32, inner: u32): void {
  if (usePlanes(outer, channels, inner)) {
    const inRange = channels <= MAX_COLUMNS && scales<T>(table(1), 0, channels) && offsetsInRange<T>(0, channels);
    if (!inRange && !mapsInRange<T>(0, channels)) {
      for (let channel: u32 = 0; channel < channels; channel++) normalizeChannel<T>(channel);
      return;
    }
    run((item: u32) => normalizePlanes<T>(item), parts(elements(), SLICE), 2 * bytes<T>());
    return;
  }
  const width = channels * job.inner;
  for (let column: u32 = 0; column < width; column += job.columns) {
    planColumns<T>(column);
    normalizeTile<T>();
  }
}

/** Without beta -0: the one number that changes no sum, not even -0. */
function betaOf<T>(channel: u32): T {
  return job.beta ? load<T>(job.beta + channel * sizeof<T>()) : <T>-0.0;
}

function offsetsInRange<T>(first: u32, n: u32): bool {
  return (
    (!job.mean || differencesInRange<T>(job.mean + first * sizeof<T>(), n)) &&
    (!job.beta || differencesInRange<T>(job.beta + first * sizeof<T>(), n))
  );
}

/** One by one: false if there is a channel that the ordinary map is not right for, and the careful one is. */
function mapsInRange<T>(first: u32, n: u32): bool {
  for (const last = first + n; first < last; first++) {
    if (mapInRange<T>(first, meanOf<T>(first), scaleOf<T>(first), betaOf<T>(first))) continue;
    if (canBeHelped<T>(first)) return false;
  }
  return true;
}

// ---- planes

/** Elements [item * SLICE, ...) of the tensor in order of memory. */
export function normalizePlanes<T>(item: u32): void {
  const inner = job.inner;
  const size = job.outer * job.channels * inner;
  const tabled = job.channels <= MAX_COLUMNS;
  let e = item * SLICE;
  const end = min(e + SLICE, size);
  let channel = e / inner;
  let rest = inner - (e - channel * inner);
  channel %= job.channels;
  while (e < end) {
    const n = min(rest, end - e);
    const s = tabled ? load<T>(table(1) + channel * sizeof<T>()) : scaleOf<T>(channel);
    mapRow<T>(job.x + e * sizeof<T>(), job.y + e * sizeof<T>(), n, meanOf<T>(channel), s, betaOf<T>(channel));
    e += n;
    rest = inner;
    if (++channel === job.channels) channel = 0;
  }
}

/** All rows of one channel. */
export function normalizeChannel<T>(channel: u32): void {
  const stride = job.channels * job.inner * sizeof<T>();
  const mean = meanOf<T>(channel);
  const beta = betaOf<T>(channel);
  const s = scaleOf<T>(channel);
  if (!mapInRange<T>(channel, mean, s, beta) && carefulNormalize<T>(channel)) return;
  let offset = channel * job.inner * sizeof<T>();
  for (let o: u32 = 0; o < job.outer; o++) {
    mapRow<T>(job.x + offset, job.y + offset, job.inner, mean, s, beta);
    offset += stride;
  }
}

/** All rows of channels [first, last) of a chunk, which lie one behind the other. */
export function normalizeBlock<T>(first: u32, last: u32): void {
  const own = table(1) + (first - job.first) * sizeof<T>();
  const inRange = scales<T>(own, first, last - first) && offsetsInRange<T>(first, last - first);
  if (!inRange && !mapsInRange<T>(first, last - first)) {
    for (let channel = first; channel < last; channel++) normalizeChannel<T>(channel);
    return;
  }
  const plane = job.inner * sizeof<T>();
  const stride = job.channels * plane;
  for (let o: u32 = 0, row = first * plane; o < job.outer; o++, row += stride) {
    let offset = row;
    let s = own;
    for (let channel = first; channel < last; channel++) {
      mapRow<T>(job.x + offset, job.y + offset, job.inner, meanOf<T>(channel), load<T>(s), betaOf<T>(channel));
      offset += plane;
      s += sizeof<T>();
    }
  }
}

function mapRow<T>(x: usize, y: usize, n: u32, mean: T, scale: T, beta: T): void {
  const lanes: u32 = 16 / sizeof<T>();
  const m = v128.splat<T>(mean);
  const s = v128.splat<T>(scale);
  const b = v128.splat<T>(beta);
  for (; n >= 4 * lanes; n -= 4 * lanes) {
    const v0 = v128.load(x);
    const v1 = v128.load(x, 16);
    const v2 = v128.load(x, 32);
    const v3 = v128.load(x, 48);
    v128.store(y, v128.add<T>(v128.mul<T>(v128.sub<T>(v0, m), s), b));
    v128.store(y, v128.add<T>(v128.mul<T>(v128.sub<T>(v1, m), s), b), 16);
    v128.store(y, v128.add<T>(v128.mul<T>(v128.sub<T>(v2, m), s), b), 32);
    v128.store(y, v128.add<T>(v128.mul<T>(v128.sub<T>(v3, m), s), b), 48);
    x += 64;
    y += 64;
  }
  for (; n >= lanes; n -= lanes) {
    v128.store(y, v128.add<T>(v128.mul<T>(v128.sub<T>(v128.load(x), m), s), b));
    x += 16;
    y += 16;
  }
  if (n > 0) storeTail<T>(y, v128.add<T>(v128.mul<T>(v128.sub<T>(loadTail<T>(x, n), m), s), b), n);
}

// ---- columns

export function normalizeTile<T>(): void {
  const first = job.firstColumn / job.inner;
  const n = channelsOfTile();
  const inRange = spreadScales<T>(1) && offsetsInRange<T>(first, n);
  if (!inRange && !mapsInRange<T>(first, n)) {
    for (let channel = first; channel < first + n; channel++) normalizeChannel<T>(channel);
    return;
  }
  spread<T>(0, job.mean, 0);
  spread<T>(2, job.beta, <T>-0.0);
  run((item: u32) => normalizeRows<T>(item), job.parts, 2 * u64(job.rows) * job.columns * sizeof<T>());
}

/** Four rows at a time, so that coefficients are loaded once for them. */
export function normalizeRows<T>(item: u32): void {
  let row = item * job.span;
  const end = min(row + job.span, job.rows);
  let offset = job.firstColumn * sizeof<T>() + row * job.stride;
  for (; row + 4 <= end; row += 4) {
    columnsOfFour<T>(job.x + offset, job.y + offset, job.columns);
    offset += 4 * job.stride;
  }
  for (; row < end; row++) {
    columnsOfRow<T>(job.x + offset, job.y + offset, job.columns);
    offset += job.stride;
  }
  if (end === job.rows && job.rest > 0) columnsOfRow<T>(job.x + offset, job.y + offset, job.rest);
}

function columnsOfFour<T>(x: usize, y: usize, n: u32): void {
  const lanes: u32 = 16 / sizeof<T>();
  const stride = job.stride;
  const x1 = x + stride;
  const x2 = x1 + stride;
  const x3 = x2 + stride;
  const y1 = y + stride;
  const y2 = y1 + stride;
  const y3 = y2 + stride;
  const means = table(0);
  const scales = table(1);
  const betas = table(2);
  const whole = (n & ~(lanes - 1)) * sizeof<T>();
  let at: usize = 0;
  for (; at < whole; at += 16) {
    const m = v128.load(means + at);
    const s = v128.load(scales + at);
    const b = v128.load(betas + at);
    v128.store(y + at, v128.add<T>(v128.mul<T>(v128.sub<T>(v128.load(x + at), m), s), b));
    v128.store(y1 + at, v128.add<T>(v128.mul<T>(v128.sub<T>(v128.load(x1 + at), m), s), b));
    v128.store(y2 + at, v128.add<T>(v128.mul<T>(v128.sub<T>(v128.load(x2 + at), m), s), b));
    v128.store(y3 + at, v128.add<T>(v128.mul<T>(v128.sub<T>(v128.load(x3 + at), m), s), b));
  }
  n &= lanes - 1;
  if (n === 0) return;
  for (const end = x + 4 * stride; x < end; x += stride, y += stride)
    lastOfRow<T>(x + at, y + at, n, means + at, scales + at, betas + at);
}

function columnsOfRow<T>(x: usize, y: usize, n: u32): void {
  const lanes: u32 = 16 / sizeof<T>();
  let m = table(0);
  let s = table(1);
  let b = table(2);
  for (; n >= lanes; n -= lanes) {
    const v = v128.mul<T>(v128.sub<T>(v128.load(x), v128.load(m)), v128.load(s));
    v128.store(y, v128.add<T>(v, v128.load(b)));
    x += 16;
    y += 16;
    m += 16;
    s += 16;
    b += 16;
  }
  if (n > 0) lastOfRow<T>(x, y, n, m, s, b);
}

function lastOfRow<T>(x: usize, y: usize, n: u32, m: usize, s: usize, b: usize): void {
  const v = v128.mul<T>(v128.sub<T>(loadTail<T>(x, n), v128.load(m)), v128.load(s));
  storeTail<T>(y, v128.add<T>(v, v128.load(b)), n);
}
