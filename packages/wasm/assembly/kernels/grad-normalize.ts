/**
 * K-4. dx = ((dy - a) - (x - mean) c) s with a = sum dy / m, c = r sum(dy x^) / m, s = gamma r, each computed in float64 and
 * rounded once; without sums dx = dy s. Bound: N-6.
 */
import { carefulGradient } from "../careful/maps";
import { canBeHelped, differencesInRange, gradientInRange } from "../careful/range";
import { inverseOf, meanOf, scaleOf } from "../coefficients";
import { job, run } from "../job";
import {
  bytes,
  channelsOfTile,
  elements,
  MAX_COLUMNS,
  parts,
  planColumns,
  SLICE,
  TABLE,
  table,
  usePlanes,
} from "../shape";
import { scales, shares, slopes, spread, spreadScales, spreadShares, spreadSlopes } from "../tables";
import { loadTail, storeTail } from "../vector";
import { mapTensor } from "./normalize";

export function gradNormalize<T>(
  dy: usize,
  x: usize,
  outer: u32,
  channels: u32,
  inner: u32,
  mean: usize,
  variance: usize,
  eps: f64,
  gamma: usize,
  sumDy: usize,
  sumDyXhat: usize,
  m: f64,
  dx: usize,
): void {
  job.dy = dy;
  job.x = sumDy ? x : dy;
  job.mean = sumDy ? mean : 0;
  job.variance = variance;
  job.eps = eps;
  job.gamma = gamma;
  job.beta = 0;
  job.sumDy = sumDy;
  job.sumDyXhat = sumDyXhat;
  job.m = m;
  job.fused = 0;
  job.y = dx;
  if (!sumDy) {
    mapTensor<T>(outer, channels, inner);
  } else if (usePlanes(outer, channels, inner)) {
    gradNormalizeAll<T>();
  } else {
    const width = channels * job.inner;
    for (let column: u32 = 0; column < width; column += job.columns) {
      planColumns<T>(column);
      gradNormalizeTile<T>();
    }
  }
}

function shareOf<T>(channel: u32): T {
  return <T>(f64(load<T>(job.sumDy + channel * sizeof<T>())) / job.m);
}

function slopeOf<T>(channel: u32): T {
  return <T>(inverseOf<T>(channel) * (f64(load<T>(job.sumDyXhat + channel * sizeof<T>())) / job.m));
}

/** One by one: false if there is a channel that the ordinary map is not right for, and the careful one may be. */
function gradientsInRange<T>(first: u32, n: u32): bool {
  for (const last = first + n; first < last; first++) {
    const share = shareOf<T>(first);
    const slope = slopeOf<T>(first);
    if (gradientInRange<T>(first, meanOf<T>(first), share, slope, scaleOf<T>(first))) continue;
    if (canBeHelped<T>(first)) return false;
  }
  return true;
}

// ---- planes

/** The map of all planes, the sums known. */
export function gradNormalizeAll<T>(): void {
  const channels = job.channels;
  let inRange = false;
  if (channels <= MAX_COLUMNS) {
    inRange = shares<T>(table(1), 0, channels);
    inRange = slopes<T>(table(2), 0, channels) && inRange;
    inRange = scales<T>(table(3), 0, channels) && inRange;
    inRange = inRange && differencesInRange<T>(job.mean, channels);
  }
  if (!inRange && !gradientsInRange<T>(0, channels)) {
    for (let channel: u32 = 0; channel < channels; channel++) gradNormalizeChannel<T>(channel);
    return;
  }
  run((item: u32) => gradNormalizePlanes<T>(item), parts(elements(), SLICE), 3 * bytes<T>());
}

/** Elements [item * SLICE, ...) of the tensor in order of memory. */
export function gradNormalizePlanes<T>(item: u32): void {
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
    const at = channel * sizeof<T>();
    const a = tabled ? load<T>(table(1) + at) : shareOf<T>(channel);
    const c = tabled ? load<T>(table(2) + at) : slopeOf<T>(channel);
    const s = tabled ? load<T>(table(3) + at) : scaleOf<T>(channel);
    gradRow<T>(e * sizeof<T>(), n, a, meanOf<T>(channel), c, s);
    e += n;
    rest = inner;
    if (++channel === job.channels) channel = 0;
  }
}

/** All rows of one channel. */
export function gradNormalizeChannel<T>(channel: u32): void {
  const stride = job.channels * job.inner * sizeof<T>();
  const a = shareOf<T>(channel);
  const m = meanOf<T>(channel);
  const c = slopeOf<T>(channel);
  const s = scaleOf<T>(channel);
  if (!gradientInRange<T>(channel, m, a, c, s) && carefulGradient<T>(channel)) return;
  let offset = channel * job.inner * sizeof<T>();
  for (let o: u32 = 0; o < job.outer; o++) {
    gradRow<T>(offset, job.inner, a, m, c, s);
    offset += stride;
  }
}

/** All rows of channels [first, last) of a chunk, which lie one behind the other. */
export function gradNormalizeBlock<T>(first: u32, last: u32): void {
  const n = last - first;
  const own = table(1) + (first - job.first) * sizeof<T>();
  let inRange = shares<T>(own, first, n);
  inRange = slopes<T>(own + TABLE, first, n) && inRange;
  inRange = scales<T>(own + 2 * TABLE, first, n) && inRange;
  inRange = inRange && (!job.mean || differencesInRange<T>(job.mean + first * sizeof<T>(), n));
  if (!inRange && !gradientsInRange<T>(first, n)) {
    for (let channel = first; channel < last; channel++) gradNormalizeChannel<T>(channel);
    return;
  }
  const plane = job.inner * sizeof<T>();
  const stride = job.channels * plane;
  for (let o: u32 = 0, row = first * plane; o < job.outer; o++, row += stride) {
    let offset = row;
    let at = own;
    for (let channel = first; channel < last; channel++) {
      gradRow<T>(offset, job.inner, load<T>(at), meanOf<T>(channel), load<T>(at + TABLE), load<T>(at + 2 * TABLE));
      offset += plane;
      at += sizeof<T>();
    }
  }
}

function gradRow<T>(offset: usize, n: u32, share: T, mean: T, slope: T, scale: T): void {
  const lanes: u32 = 16 / sizeof<T>();
  const a = v128.splat<T>(share);
  const m = v128.splat<T>(mean);
  const c = v128.splat<T>(slope);
  const s = v128.splat<T>(scale);
  let dy = job.dy + offset;
  let x = job.x + offset;
  let dx = job.y + offset;
  for (; n >= 4 * lanes; n -= 4 * lanes) {
    const g0 = v128.sub<T>(v128.load(dy), a);
    const g1 = v128.sub<T>(v128.load(dy, 16), a);
    const g2 = v128.sub<T>(v128.load(dy, 32), a);
    const g3 = v128.sub<T>(v128.load(dy, 48), a);
    const t0 = v128.mul<T>(v128.sub<T>(v128.load(x), m), c);
    const t1 = v128.mul<T>(v128.sub<T>(v128.load(x, 16), m), c);
    const t2 = v128.mul<T>(v128.sub<T>(v128.load(x, 32), m), c);
    const t3 = v128.mul<T>(v128.sub<T>(v128.load(x, 48), m), c);
    v128.store(dx, v128.mul<T>(v128.sub<T>(g0, t0), s));
    v128.store(dx, v128.mul<T>(v128.sub<T>(g1, t1), s), 16);
    v128.store(dx, v128.mul<T>(v128.sub<T>(g2, t2), s), 32);
    v128.store(dx, v128.mul<T>(v128.sub<T>(g3, t3), s), 48);
    dy += 64;
    x += 64;
    dx += 64;
  }
  for (; n >= lanes; n -= lanes) {
    const t = v128.mul<T>(v128.sub<T>(v128.load(x), m), c);
    v128.store(dx, v128.mul<T>(v128.sub<T>(v128.sub<T>(v128.load(dy), a), t), s));
    dy += 16;
    x += 16;
    dx += 16;
  }
  if (n > 0) {
    const t = v128.mul<T>(v128.sub<T>(loadTail<T>(x, n), m), c);
    storeTail<T>(dx, v128.mul<T>(v128.sub<T>(v128.sub<T>(loadTail<T>(dy, n), a), t), s), n);
  }
}

// ---- columns

export function gradNormalizeTile<T>(): void {
  const first = job.firstColumn / job.inner;
  const n = channelsOfTile();
  let inRange = spreadShares<T>(1);
  inRange = spreadSlopes<T>(2) && inRange;
  inRange = spreadScales<T>(3) && inRange;
  inRange = inRange && differencesInRange<T>(job.mean + first * sizeof<T>(), n);
  if (!inRange && !gradientsInRange<T>(first, n)) {
    for (let channel = first; channel < first + n; channel++) gradNormalizeChannel<T>(channel);
    return;
  }
  spread<T>(0, job.mean, 0);
  run((item: u32) => gradNormalizeRows<T>(item), job.parts, 3 * u64(job.rows) * job.columns * sizeof<T>());
}

/** Four rows at a time, so that coefficients are loaded once for them. */
export function gradNormalizeRows<T>(item: u32): void {
  let row = item * job.span;
  const end = min(row + job.span, job.rows);
  let offset = job.firstColumn * sizeof<T>() + row * job.stride;
  for (; row + 4 <= end; row += 4) {
    columnsOfFour<T>(offset, job.columns);
    offset += 4 * job.stride;
  }
  for (; row < end; row++) {
    columnsOfRow<T>(offset, job.columns);
    offset += job.stride;
  }
  if (end === job.rows && job.rest > 0) columnsOfRow<T>(offset, job.rest);
}

function columnsOfFour<T>(offset: usize, n: u32): void {
  const lanes: u32 = 16 / sizeof<T>();
  const stride = job.stride;
  const dy = job.dy + offset;
  const x = job.x + offset;
  const dx = job.y + offset;
  const whole = (n & ~(lanes - 1)) * sizeof<T>();
  const coefficients = table(0);
  for (let at: usize = 0; at < whole; at += 16) {
    const c = coefficients + at;
    const m = v128.load(c);
    const a = v128.load(c + TABLE);
    const b = v128.load(c + 2 * TABLE);
    const s = v128.load(c + 3 * TABLE);
    let i = at;
    gradVector<T>(dy + i, x + i, dx + i, a, m, b, s);
    i += stride;
    gradVector<T>(dy + i, x + i, dx + i, a, m, b, s);
    i += stride;
    gradVector<T>(dy + i, x + i, dx + i, a, m, b, s);
    i += stride;
    gradVector<T>(dy + i, x + i, dx + i, a, m, b, s);
  }
  n &= lanes - 1;
  if (n === 0) return;
  for (let row: u32 = 0; row < 4; row++) lastOfRow<T>(offset + row * stride + whole, n, whole);
}

function gradVector<T>(dy: usize, x: usize, dx: usize, a: v128, m: v128, c: v128, s: v128): void {
  const t = v128.mul<T>(v128.sub<T>(v128.load(x), m), c);
  v128.store(dx, v128.mul<T>(v128.sub<T>(v128.sub<T>(v128.load(dy), a), t), s));
}

function columnsOfRow<T>(offset: usize, n: u32): void {
  const lanes: u32 = 16 / sizeof<T>();
  const whole = (n & ~(lanes - 1)) * sizeof<T>();
  const dy = job.dy + offset;
  const x = job.x + offset;
  const dx = job.y + offset;
  const c = table(0);
  for (let at: usize = 0; at < whole; at += 16) {
    const a = v128.load(c + at + TABLE);
    const m = v128.load(c + at);
    gradVector<T>(dy + at, x + at, dx + at, a, m, v128.load(c + at + 2 * TABLE), v128.load(c + at + 3 * TABLE));
  }
  n &= lanes - 1;
  if (n > 0) lastOfRow<T>(offset + whole, n, whole);
}

/** The last n elements of a row, whose coefficients lie at `at`. */
function lastOfRow<T>(offset: usize, n: u32, at: usize): void {
  const c = table(0) + at;
  const t = v128.mul<T>(v128.sub<T>(loadTail<T>(job.x + offset, n), v128.load(c)), v128.load(c + 2 * TABLE));
  const g = v128.sub<T>(loadTail<T>(job.dy + offset, n), v128.load(c + TABLE));
  storeTail<T>(job.y + offset, v128.mul<T>(v128.sub<T>(g, t), v128.load(c + 3 * TABLE)), n);
}
