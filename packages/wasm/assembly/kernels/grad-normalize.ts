/**
 * K-4. dx = ((dy - a) - (x - mean) c) s with a = sum dy / m, c = r sum(dy x^) / m, s = gamma r, each computed in
 * float64 and rounded once. Without sums dx = dy s; the host then passes dy as x, and no mean. Bound: N-6.
 */
import { carefulGradient } from "../careful/maps";
import { canBeHelped, differencesInRange, gradientInRange } from "../careful/range";
import { inverseOf, meanOf, scaleOf } from "../coefficients";
import { job, run } from "../job";
import {
  bytes,
  channelsOfTile,
  elements,
  isLarge,
  MAX_COLUMNS,
  parts,
  planColumns,
  SLICE,
  TABLE,
  table,
  usePlanes,
} from "../shape";
import { gradients, means, spread, spreadGradients } from "../tables";
import { loadTail, storeTail, zero } from "../vector";
import { mapTensor } from "./normalize";

export function gradNormalize<T>(): void {
  job.fused = 0;
  if (!job.sumDy) {
    mapTensor<T>();
  } else if (usePlanes()) {
    gradNormalizeAll<T>();
  } else {
    const width = job.channels * job.inner;
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

/**
 * Checks channel by channel. Returns false if there is a channel for which the ordinary map is not right and the
 * careful map may be.
 */
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

/** The map of all planes after the sums are known. */
export function gradNormalizeAll<T>(): void {
  const channels = job.channels;
  const inRange = channels <= MAX_COLUMNS && openChannels<T>(table(0), 0, channels);
  if (!inRange && !gradientsInRange<T>(0, channels)) {
    for (let channel: u32 = 0; channel < channels; channel++) gradNormalizeChannel<T>(channel);
    return;
  }
  run((item: u32) => gradNormalizePlanes<T>(item), parts(elements(), SLICE), 3 * bytes<T>());
}

/**
 * Computes mean, share, slope and scale of n channels into four consecutive tables. Returns true if the ordinary map is
 * right for all of them.
 */
function openChannels<T>(into: usize, first: u32, n: u32): bool {
  means<T>(into, first, n);
  return (
    gradients<T>(into + TABLE, first, n) && (!job.mean || differencesInRange<T>(job.mean + first * sizeof<T>(), n))
  );
}

/** Maps elements [item * SLICE, ...) of the tensor in order of memory. */
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
    const at = table(0) + channel * sizeof<T>();
    const m = tabled ? v128.load_splat<T>(at) : v128.splat<T>(meanOf<T>(channel));
    const a = tabled ? v128.load_splat<T>(at, TABLE) : v128.splat<T>(shareOf<T>(channel));
    const c = tabled ? v128.load_splat<T>(at, 2 * TABLE) : v128.splat<T>(slopeOf<T>(channel));
    const s = tabled ? v128.load_splat<T>(at, 3 * TABLE) : v128.splat<T>(scaleOf<T>(channel));
    gradRow<T>(e * sizeof<T>(), n, a, m, c, s);
    e += n;
    rest = inner;
    if (++channel === job.channels) channel = 0;
  }
}

/** All rows of one channel. */
export function gradNormalizeChannel<T>(channel: u32): void {
  const stride = job.channels * job.inner * sizeof<T>();
  const share = shareOf<T>(channel);
  const mean = meanOf<T>(channel);
  const slope = slopeOf<T>(channel);
  const scale = scaleOf<T>(channel);
  if (!gradientInRange<T>(channel, mean, share, slope, scale) && carefulGradient<T>(channel)) return;
  const a = v128.splat<T>(share);
  const m = v128.splat<T>(mean);
  const c = v128.splat<T>(slope);
  const s = v128.splat<T>(scale);
  let offset = channel * job.inner * sizeof<T>();
  for (let o: u32 = 0; o < job.outer; o++) {
    gradRow<T>(offset, job.inner, a, m, c, s);
    offset += stride;
  }
}

/** All rows of channels [first, last) of a chunk; the rows lie one after the other. */
export function gradNormalizeBlock<T>(first: u32, last: u32): void {
  const own = table(0) + (first - job.first) * sizeof<T>();
  const inRange = openChannels<T>(own, first, last - first);
  if (!inRange && !gradientsInRange<T>(first, last - first)) {
    for (let channel = first; channel < last; channel++) gradNormalizeChannel<T>(channel);
    return;
  }
  const plane = job.inner * sizeof<T>();
  const stride = job.channels * plane;
  for (let o: u32 = 0, row = first * plane; o < job.outer; o++, row += stride) {
    let offset = row;
    for (let at = own, past = own + (last - first) * sizeof<T>(); at < past; at += sizeof<T>()) {
      const m = v128.load_splat<T>(at);
      const a = v128.load_splat<T>(at, TABLE);
      const c = v128.load_splat<T>(at, 2 * TABLE);
      const s = v128.load_splat<T>(at, 3 * TABLE);
      gradRow<T>(offset, job.inner, a, m, c, s);
      offset += plane;
    }
  }
}

function gradRow<T>(offset: usize, n: u32, a: v128, m: v128, c: v128, s: v128): void {
  const lanes: u32 = 16 / sizeof<T>();
  let dy = job.dy + offset;
  let x = job.x + offset;
  let dx = job.y + offset;
  if (n < lanes) {
    storeTail<T>(dx, mapped<T>(loadTail<T>(dy, n), loadTail<T>(x, n), a, m, c, s), n);
    return;
  }
  // The vector that ends at the end of the row overlaps the one before it. It is read first, because dx may be dy or x.
  const odd = (n & (lanes - 1)) !== 0;
  const last = n * sizeof<T>() - 16;
  const end = dx + last;
  let tail = zero();
  if (odd) tail = mapped<T>(v128.load(dy + last), v128.load(x + last), a, m, c, s);
  for (; n >= 4 * lanes; n -= 4 * lanes) {
    const d0 = mapped<T>(v128.load(dy), v128.load(x), a, m, c, s);
    const d1 = mapped<T>(v128.load(dy, 16), v128.load(x, 16), a, m, c, s);
    const d2 = mapped<T>(v128.load(dy, 32), v128.load(x, 32), a, m, c, s);
    const d3 = mapped<T>(v128.load(dy, 48), v128.load(x, 48), a, m, c, s);
    v128.store(dx, d0);
    v128.store(dx, d1, 16);
    v128.store(dx, d2, 32);
    v128.store(dx, d3, 48);
    dy += 64;
    x += 64;
    dx += 64;
  }
  for (; n >= lanes; n -= lanes) {
    v128.store(dx, mapped<T>(v128.load(dy), v128.load(x), a, m, c, s));
    dy += 16;
    x += 16;
    dx += 16;
  }
  if (odd) v128.store(end, tail);
}

// ---- columns

export function gradNormalizeTile<T>(): void {
  const first = job.first;
  const n = channelsOfTile();
  const inRange = spreadGradients<T>(1) && differencesInRange<T>(job.mean + first * sizeof<T>(), n);
  if (!inRange && !gradientsInRange<T>(first, n)) {
    for (let channel = first; channel < first + n; channel++) gradNormalizeChannel<T>(channel);
    return;
  }
  spread<T>(0, job.mean, 0);
  run((item: u32) => gradNormalizeRows<T>(item), job.parts, 3 * u64(job.rows) * job.columns * sizeof<T>());
}

/**
 * The number of rows of columns that are mapped together, as in normalize.ts. It is smaller for long rows, since half a
 * line is mapped at a time. Measured, float32, ns per element, rows of 1, 2, 4: [4096, 64] 0.49, 0.32, 0.26; [1024,
 * 256] 0.49, 0.36, 0.31; [512, 1024] 0.54, 0.50, 0.84; [25088, 256] 1.06, 1.88, 1.89.
 */
function groupOfMap<T>(): u32 {
  return isLarge<T>(3) ? 1 : job.stride > 1024 ? 2 : 4;
}

export function gradNormalizeRows<T>(item: u32): void {
  const end = min((item + 1) * job.span, job.rows);
  const group = groupOfMap<T>();
  for (let row = item * job.span; row < end; ) {
    const rows = min(group, end - row);
    gradNormalizeGroup<T>(job.firstColumn * sizeof<T>() + row * job.stride, rows);
    row += rows;
  }
  if (end === job.rows && job.rest > 0) columnsOfRow<T>(job.firstColumn * sizeof<T>() + end * job.stride, job.rest, 0);
}

function gradNormalizeGroup<T>(offset: usize, rows: u32): void {
  const stride = job.stride;
  const bytes = job.columns * sizeof<T>();
  let at: usize = 0;
  for (; at + 32 <= bytes; at += 32) {
    const c = table(0) + at;
    const m0 = v128.load(c);
    const m1 = v128.load(c, 16);
    const a0 = v128.load(c, TABLE);
    const a1 = v128.load(c, TABLE + 16);
    const c0 = v128.load(c, 2 * TABLE);
    const c1 = v128.load(c, 2 * TABLE + 16);
    const s0 = v128.load(c, 3 * TABLE);
    const s1 = v128.load(c, 3 * TABLE + 16);
    let x = job.x + offset + at;
    let dy = job.dy + offset + at;
    let dx = job.y + offset + at;
    for (let row: u32 = 0; row < rows; row++) {
      const x0 = v128.load(x);
      const x1 = v128.load(x, 16);
      const g0 = v128.load(dy);
      const g1 = v128.load(dy, 16);
      v128.store(dx, mapped<T>(g0, x0, a0, m0, c0, s0));
      v128.store(dx, mapped<T>(g1, x1, a1, m1, c1, s1), 16);
      x += stride;
      dy += stride;
      dx += stride;
    }
  }
  if (at === bytes) return;
  const n = u32(bytes - at) / sizeof<T>();
  for (let row: u32 = 0; row < rows; row++) columnsOfRow<T>(offset + row * stride + at, n, at);
}

/** Maps n elements of a row, whose coefficients lie at `at`. */
function columnsOfRow<T>(offset: usize, n: u32, at: usize): void {
  const lanes: u32 = 16 / sizeof<T>();
  let c = table(0) + at;
  for (; ; n -= lanes, offset += 16, c += 16) {
    const m = v128.load(c);
    const a = v128.load(c, TABLE);
    const b = v128.load(c, 2 * TABLE);
    const s = v128.load(c, 3 * TABLE);
    const dx = job.y + offset;
    if (n < lanes) {
      if (n > 0)
        storeTail<T>(dx, mapped<T>(loadTail<T>(job.dy + offset, n), loadTail<T>(job.x + offset, n), a, m, b, s), n);
      return;
    }
    v128.store(dx, mapped<T>(v128.load(job.dy + offset), v128.load(job.x + offset), a, m, b, s));
  }
}

function mapped<T>(dy: v128, x: v128, a: v128, m: v128, c: v128, s: v128): v128 {
  return v128.mul<T>(v128.sub<T>(v128.sub<T>(dy, a), v128.mul<T>(v128.sub<T>(x, m), c)), s);
}
