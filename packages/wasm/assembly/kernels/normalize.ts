/**
 * K-2. y = (x - mean) * s + beta, with s = gamma / sqrt(variance + eps) computed in float64 and rounded once. Bound:
 * N-3.
 */
import { carefulNormalize } from "../careful/maps";
import { canBeHelped, differencesInRange, mapInRange } from "../careful/range";
import { meanOf, scaleOf } from "../coefficients";
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
import { betas, means, scales, spread, spreadScales } from "../tables";
import { loadTail, storeTail, zero } from "../vector";

export function normalize<T>(): void {
  mapTensor<T>();
}

/** Maps the job's operands. Without `variance` (0), s is gamma; without `mean`, nothing is subtracted. */
export function mapTensor<T>(): void {
  if (usePlanes()) {
    const channels = job.channels;
    const inRange = channels <= MAX_COLUMNS && openChannels<T>(table(0), 0, channels);
    if (!inRange && !mapsInRange<T>(0, channels)) {
      for (let channel: u32 = 0; channel < channels; channel++) normalizeChannel<T>(channel);
      return;
    }
    run((item: u32) => normalizePlanes<T>(item), parts(elements(), SLICE), 2 * bytes<T>());
    return;
  }
  const width = job.channels * job.inner;
  for (let column: u32 = 0; column < width; column += job.columns) {
    planColumns<T>(column);
    normalizeTile<T>();
  }
}

/** Without beta this is -0, the only number that changes no sum, not even -0. */
function betaOf<T>(channel: u32): T {
  return job.beta ? load<T>(job.beta + channel * sizeof<T>()) : <T>-0.0;
}

function offsetsInRange<T>(first: u32, n: u32): bool {
  return (
    (!job.mean || differencesInRange<T>(job.mean + first * sizeof<T>(), n)) &&
    (!job.beta || differencesInRange<T>(job.beta + first * sizeof<T>(), n))
  );
}

/**
 * Computes mean, scale and beta of n channels into three tables: at `into`, and one and two tables further on. Returns
 * true if the ordinary map is right for all of them.
 */
function openChannels<T>(into: usize, first: u32, n: u32): bool {
  means<T>(into, first, n);
  betas<T>(into + 2 * TABLE, first, n);
  return scales<T>(into + TABLE, first, n) && offsetsInRange<T>(first, n);
}

/**
 * Checks channel by channel. Returns false if there is a channel for which the ordinary map is not right and the
 * careful map is.
 */
function mapsInRange<T>(first: u32, n: u32): bool {
  for (const last = first + n; first < last; first++) {
    if (mapInRange<T>(first, meanOf<T>(first), scaleOf<T>(first), betaOf<T>(first))) continue;
    if (canBeHelped<T>(first)) return false;
  }
  return true;
}

// ---- planes

/** Maps elements [item * SLICE, ...) of the tensor in order of memory. */
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
    const at = table(0) + channel * sizeof<T>();
    const m = tabled ? v128.load_splat<T>(at) : v128.splat<T>(meanOf<T>(channel));
    const s = tabled ? v128.load_splat<T>(at, TABLE) : v128.splat<T>(scaleOf<T>(channel));
    const b = tabled ? v128.load_splat<T>(at, 2 * TABLE) : v128.splat<T>(betaOf<T>(channel));
    mapRow<T>(job.x + e * sizeof<T>(), job.y + e * sizeof<T>(), n, m, s, b);
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
  const scale = scaleOf<T>(channel);
  if (!mapInRange<T>(channel, mean, scale, beta) && carefulNormalize<T>(channel)) return;
  const m = v128.splat<T>(mean);
  const s = v128.splat<T>(scale);
  const b = v128.splat<T>(beta);
  let offset = channel * job.inner * sizeof<T>();
  for (let o: u32 = 0; o < job.outer; o++) {
    mapRow<T>(job.x + offset, job.y + offset, job.inner, m, s, b);
    offset += stride;
  }
}

/** All rows of channels [first, last) of a chunk; the rows lie one after the other. */
export function normalizeBlock<T>(first: u32, last: u32): void {
  const own = table(0) + (first - job.first) * sizeof<T>();
  const inRange = openChannels<T>(own, first, last - first);
  if (!inRange && !mapsInRange<T>(first, last - first)) {
    for (let channel = first; channel < last; channel++) normalizeChannel<T>(channel);
    return;
  }
  const plane = job.inner * sizeof<T>();
  const stride = job.channels * plane;
  for (let o: u32 = 0, row = first * plane; o < job.outer; o++, row += stride) {
    let offset = row;
    for (let at = own, past = own + (last - first) * sizeof<T>(); at < past; at += sizeof<T>()) {
      const m = v128.load_splat<T>(at);
      const s = v128.load_splat<T>(at, TABLE);
      const b = v128.load_splat<T>(at, 2 * TABLE);
      mapRow<T>(job.x + offset, job.y + offset, job.inner, m, s, b);
      offset += plane;
    }
  }
}

function mapRow<T>(x: usize, y: usize, n: u32, m: v128, s: v128, b: v128): void {
  const lanes: u32 = 16 / sizeof<T>();
  if (n < lanes) {
    storeTail<T>(y, mapped<T>(loadTail<T>(x, n), m, s, b), n);
    return;
  }
  // The vector that ends at the end of the row overlaps the one before it. It is read first, because y may be x.
  const odd = (n & (lanes - 1)) !== 0;
  const last = n * sizeof<T>() - 16;
  const end = y + last;
  let tail = zero();
  if (odd) tail = mapped<T>(v128.load(x + last), m, s, b);
  for (; n >= 4 * lanes; n -= 4 * lanes) {
    const v0 = v128.load(x);
    const v1 = v128.load(x, 16);
    const v2 = v128.load(x, 32);
    const v3 = v128.load(x, 48);
    v128.store(y, mapped<T>(v0, m, s, b));
    v128.store(y, mapped<T>(v1, m, s, b), 16);
    v128.store(y, mapped<T>(v2, m, s, b), 32);
    v128.store(y, mapped<T>(v3, m, s, b), 48);
    x += 64;
    y += 64;
  }
  for (; n >= lanes; n -= lanes) {
    v128.store(y, mapped<T>(v128.load(x), m, s, b));
    x += 16;
    y += 16;
  }
  if (odd) v128.store(end, tail);
}

// ---- columns

export function normalizeTile<T>(): void {
  const first = job.first;
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

/**
 * The number of rows of columns that are mapped together, block by block, so that coefficients are loaded once for all
 * of them. Tensors too large for the cache are mapped in order of memory. Measured, float32, ns per element, rows of 1,
 * 2, 4, 8: [4096, 64] 0.33, 0.22, 0.17, 0.17; [512, 1024] 0.32, 0.24, 0.25, 0.33; [25088, 256] 0.87, 1.63, 1.59, 1.97.
 */
const GROUP: u32 = 4;

export function normalizeRows<T>(item: u32): void {
  const end = min((item + 1) * job.span, job.rows);
  const group = isLarge<T>(2) ? 1 : GROUP;
  for (let row = item * job.span; row < end; ) {
    const rows = min(group, end - row);
    const offset = job.firstColumn * sizeof<T>() + row * job.stride;
    normalizeGroup<T>(job.x + offset, job.y + offset, rows);
    row += rows;
  }
  const rest = job.firstColumn * sizeof<T>() + end * job.stride;
  if (end === job.rows && job.rest > 0) columnsOfRow<T>(job.x + rest, job.y + rest, job.rest);
}

function normalizeGroup<T>(x: usize, y: usize, rows: u32): void {
  const stride = job.stride;
  const bytes = job.columns * sizeof<T>();
  const m = table(0);
  const s = table(1);
  const b = table(2);
  let at: usize = 0;
  for (; at + 64 <= bytes; at += 64) {
    const m0 = v128.load(m + at);
    const m1 = v128.load(m + at, 16);
    const m2 = v128.load(m + at, 32);
    const m3 = v128.load(m + at, 48);
    const s0 = v128.load(s + at);
    const s1 = v128.load(s + at, 16);
    const s2 = v128.load(s + at, 32);
    const s3 = v128.load(s + at, 48);
    const b0 = v128.load(b + at);
    const b1 = v128.load(b + at, 16);
    const b2 = v128.load(b + at, 32);
    const b3 = v128.load(b + at, 48);
    let from = x + at;
    let to = y + at;
    for (let row: u32 = 0; row < rows; row++) {
      const v0 = v128.load(from);
      const v1 = v128.load(from, 16);
      const v2 = v128.load(from, 32);
      const v3 = v128.load(from, 48);
      v128.store(to, mapped<T>(v0, m0, s0, b0));
      v128.store(to, mapped<T>(v1, m1, s1, b1), 16);
      v128.store(to, mapped<T>(v2, m2, s2, b2), 32);
      v128.store(to, mapped<T>(v3, m3, s3, b3), 48);
      from += stride;
      to += stride;
    }
  }
  if (at === bytes) return;
  const n = u32(bytes - at) / sizeof<T>();
  for (let row: u32 = 0; row < rows; row++, x += stride, y += stride)
    lastOfRow<T>(x + at, y + at, n, m + at, s + at, b + at);
}

function columnsOfRow<T>(x: usize, y: usize, n: u32): void {
  lastOfRow<T>(x, y, n, table(0), table(1), table(2));
}

/** Maps n elements of a row, whose coefficients lie at m, s and b. */
function lastOfRow<T>(x: usize, y: usize, n: u32, m: usize, s: usize, b: usize): void {
  const lanes: u32 = 16 / sizeof<T>();
  let at: usize = 0;
  for (; n >= lanes; n -= lanes, at += 16)
    v128.store(y + at, mapped<T>(v128.load(x + at), v128.load(m + at), v128.load(s + at), v128.load(b + at)));
  if (n > 0)
    storeTail<T>(y + at, mapped<T>(loadTail<T>(x + at, n), v128.load(m + at), v128.load(s + at), v128.load(b + at)), n);
}

function mapped<T>(x: v128, m: v128, s: v128, b: v128): v128 {
  return v128.add<T>(v128.mul<T>(v128.sub<T>(x, m), s), b);
}
