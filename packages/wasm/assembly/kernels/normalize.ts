/**
 * K-2. y = (x - mean) * s + beta, with s = gamma / sqrt(variance + eps) computed in float64 and rounded once. Bound:
 * N-3.
 *
 *   tables = mean, s, beta of each channel            tables.ts; channels out of range: careful/maps.ts
 *   planes: for each slice of memory, for each row in it: y = map(x) with the row's coefficients
 *   columns: for each group of rows, for each 4 vectors of columns: y = map(x) in all rows, coefficients in registers
 *
 * Instructions per vector, counted in the machine code that V8 makes: 6.3 for one long row; for columns 7.5 in groups
 * of 4 rows.
 */
import { carefulNormalize } from "../careful/maps";
import { canBeHelped, differencesInRange, mapInRange } from "../careful/range";
import { job, run } from "../job";
import {
  areStripsMapped,
  bytesOfTile,
  channelOf,
  channelsOfTile,
  eachTile,
  groupOfMap,
  pastOfStrip,
  planRows,
  streamsOfMap,
  strips,
} from "../plan/columns";
import { eachRun, lastOfChunk, slicesOfChunk } from "../plan/planes";
import { areMapsOfPlanes, bytes, CHUNK, TABLE, table } from "../shape";
import { betas, means, scales, spread, spreadScales } from "../tables";
import { firstBytes, loadTail, storeTail } from "../vector";

export function normalize<T>(): void {
  mapTensor<T>();
}

/** Maps the job's operands. Without `variance` (0), s is gamma; without `mean`, nothing is subtracted. */
export function mapTensor<T>(): void {
  if (areMapsOfPlanes<T>()) {
    for (job.first = 0; job.first < job.channels; job.first += CHUNK) mapChunk<T>();
    return;
  }
  eachTile<T>(1, () => normalizeTile<T>());
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
 * Checks channel by channel; the coefficients of each lie `step` bytes after those of the one before. Returns false if
 * there is a channel for which the ordinary map is not right and the careful map is.
 */
function mapsInRange<T>(first: u32, n: u32, at: usize, step: usize): bool {
  for (const last = first + n; first < last; first++, at += step)
    if (!isInRange<T>(first, at) && canBeHelped<T>(first)) return false;
  return true;
}

function isInRange<T>(channel: u32, at: usize): bool {
  return mapInRange<T>(channel, load<T>(at), load<T>(at, TABLE), load<T>(at, 2 * TABLE));
}

/** Maps all rows of n channels one channel at a time, those out of range carefully. */
function mapChannels<T>(first: u32, n: u32, at: usize, step: usize): void {
  const plane = job.inner * sizeof<T>();
  for (const last = first + n; first < last; first++, at += step) {
    if (!isInRange<T>(first, at) && carefulNormalize<T>(first)) continue;
    for (let o: u32 = 0; o < job.outer; o++) mapRows<T>((o * job.channels + first) * plane, job.inner, job.inner, at);
  }
}

// ---- planes

/** Maps the channels that have a place in the tables. */
function mapChunk<T>(): void {
  const first = job.first;
  const n = lastOfChunk() - first;
  if (openChannels<T>(table(0), first, n) || mapsInRange<T>(first, n, table(0), sizeof<T>()))
    run((item: u32) => normalizePlanes<T>(item), slicesOfChunk(), 2 * bytes<T>());
  else mapChannels<T>(first, n, table(0), sizeof<T>());
}

/** One slice of the chunk's elements, in order of memory. */
export function normalizePlanes<T>(slice: u32): void {
  eachRun<T>(slice, (offset: usize, n: u32, rest: u32, at: usize) => mapRows<T>(offset, n, rest, at));
}

/** Maps all rows of channels [first, last) of a chunk, which lie one behind the other. */
export function normalizeBlock<T>(first: u32, last: u32): void {
  const n = last - first;
  const at = table(0) + (first - job.first) * sizeof<T>();
  if (!openChannels<T>(at, first, n) && !mapsInRange<T>(first, n, at, sizeof<T>())) {
    mapChannels<T>(first, n, at, sizeof<T>());
    return;
  }
  for (let o: u32 = 0; o < job.outer; o++)
    mapRows<T>((o * job.channels + first) * job.inner * sizeof<T>(), n * job.inner, job.inner, at);
}

/**
 * Maps n elements that follow one another: the `rest` of a channel's row, whose coefficients lie at `at`, then rows of
 * the channels after it; the first channel follows the last one. A vector that a row shares with the next one is mapped
 * with the coefficients of both.
 */
function mapRows<T>(offset: usize, n: u32, rest: u32, at: usize): void {
  const pastTable = table(0) + (lastOfChunk() - job.first) * sizeof<T>();
  let x = job.x + offset;
  let y = job.y + offset;
  let m = v128.load_splat<T>(at);
  let s = v128.load_splat<T>(at, TABLE);
  let b = v128.load_splat<T>(at, 2 * TABLE);
  const past = x + n * sizeof<T>();
  const plane = job.inner * sizeof<T>();
  let end = x + min(rest, n) * sizeof<T>();
  while (true) {
    for (const last = end - 64; x <= last; x += 64, y += 64) {
      const v0 = v128.load(x);
      const v1 = v128.load(x, 16);
      const v2 = v128.load(x, 32);
      const v3 = v128.load(x, 48);
      v128.store(y, mapped<T>(v0, m, s, b));
      v128.store(y, mapped<T>(v1, m, s, b), 16);
      v128.store(y, mapped<T>(v2, m, s, b), 32);
      v128.store(y, mapped<T>(v3, m, s, b), 48);
    }
    if (end - x >= 32) {
      v128.store(y, mapped<T>(v128.load(x), m, s, b));
      v128.store(y, mapped<T>(v128.load(x, 16), m, s, b), 16);
      x += 32;
      y += 32;
    }
    if (end - x >= 16) {
      v128.store(y, mapped<T>(v128.load(x), m, s, b));
      x += 16;
      y += 16;
    }
    if (end === past) break;
    const left = end - x;
    const m0 = m;
    const s0 = s;
    const b0 = b;
    at += sizeof<T>();
    if (at === pastTable) at = table(0);
    m = v128.load_splat<T>(at);
    s = v128.load_splat<T>(at, TABLE);
    b = v128.load_splat<T>(at, 2 * TABLE);
    end = min(end + plane, past);
    if (left === 0) continue;
    if (past - x < 16) {
      mapTail<T>(x, y, left, m0, s0, b0);
      x += left;
      y += left;
      break;
    }
    const v = v128.load(x);
    v128.store(y, v128.bitselect(mapped<T>(v, m0, s0, b0), mapped<T>(v, m, s, b), firstBytes(left)));
    x += 16;
    y += 16;
  }
  mapTail<T>(x, y, past - x, m, s, b);
}

/** Maps fewer bytes than a vector has. */
function mapTail<T>(x: usize, y: usize, bytes: usize, m: v128, s: v128, b: v128): void {
  if (bytes === 0) return;
  const n = u32(bytes) / sizeof<T>();
  storeTail<T>(y, mapped<T>(loadTail<T>(x, n), m, s, b), n);
}

// ---- columns

export function normalizeTile<T>(): void {
  if (areStripsMapped()) {
    run((item: u32) => normalizeStrip<T>(item), strips(), 2 * bytesOfTile<T>());
    return;
  }
  const first = job.first;
  const n = channelsOfTile();
  const apart = job.inner * sizeof<T>();
  spread<T>(0, job.mean, 0);
  spread<T>(2, job.beta, <T>-0.0);
  const inRange = spreadScales<T>(1) && offsetsInRange<T>(first, n);
  if (!inRange && !mapsInRange<T>(first, n, table(0), apart)) {
    mapChannels<T>(first, n, table(0), apart);
    return;
  }
  run((item: u32) => normalizeRows<T>(item), planRows<T>(2), 2 * bytesOfTile<T>());
}

/** Maps a strip of columns, each of which is a channel. */
export function normalizeStrip<T>(strip: u32): void {
  const first = channelOf<T>(strip * job.strip);
  const n = channelOf<T>(pastOfStrip(strip)) - first;
  const column = first - job.first;
  const at = table(0) + column * sizeof<T>();
  if (openChannels<T>(at, first, n) || mapsInRange<T>(first, n, at, sizeof<T>()))
    normalizeColumns<T>(0, job.rows, column, n);
  else mapChannels<T>(first, n, at, sizeof<T>());
}

export function normalizeRows<T>(item: u32): void {
  const end = min((item + 1) * job.span, job.rows);
  normalizeColumns<T>(item * job.span, end, 0, job.columns);
  const rest = job.firstColumn * sizeof<T>() + end * job.stride;
  if (end === job.rows && job.rest > 0) lastOfRow<T>(job.x + rest, job.y + rest, job.rest, table(0));
}

/** Maps rows [row, end) of n columns. */
function normalizeColumns<T>(row: u32, end: u32, column: u32, n: u32): void {
  const group = groupOfMap<T>(2);
  const far = streamsOfMap<T>(2, end - row, group);
  const stride = job.stride;
  for (const last = row + far; row < last; row++) normalizeGroup<T>(row, group, far * stride, column, n);
  for (row += (group - 1) * far; row < end; row += group)
    normalizeGroup<T>(row, min(group, end - row), stride, column, n);
}

/**
 * Maps n columns of some rows, the first one and others `far` bytes apart, block by block of four vectors, whose twelve coefficients
 * stay in registers.
 */
function normalizeGroup<T>(row: u32, rows: u32, far: usize, column: u32, n: u32): void {
  const offset = (job.firstColumn + column) * sizeof<T>() + row * job.stride;
  let x = job.x + offset;
  let y = job.y + offset;
  const taller = rows * far;
  let c = table(0) + column * sizeof<T>();
  for (const lanes: u32 = 64 / sizeof<T>(); n >= lanes; n -= lanes) {
    const m0 = v128.load(c);
    const m1 = v128.load(c, 16);
    const m2 = v128.load(c, 32);
    const m3 = v128.load(c, 48);
    const s0 = v128.load(c, TABLE);
    const s1 = v128.load(c, TABLE + 16);
    const s2 = v128.load(c, TABLE + 32);
    const s3 = v128.load(c, TABLE + 48);
    const b0 = v128.load(c, 2 * TABLE);
    const b1 = v128.load(c, 2 * TABLE + 16);
    const b2 = v128.load(c, 2 * TABLE + 32);
    const b3 = v128.load(c, 2 * TABLE + 48);
    let to = y;
    for (let from = x, end = x + taller; from !== end; from += far, to += far) {
      v128.store(to, mapped<T>(v128.load(from), m0, s0, b0));
      v128.store(to, mapped<T>(v128.load(from, 16), m1, s1, b1), 16);
      v128.store(to, mapped<T>(v128.load(from, 32), m2, s2, b2), 32);
      v128.store(to, mapped<T>(v128.load(from, 48), m3, s3, b3), 48);
    }
    x += 64;
    y += 64;
    c += 64;
  }
  if (n > 0) for (const end = x + taller; x !== end; x += far, y += far) lastOfRow<T>(x, y, n, c);
}

/** Maps n elements of a row, whose coefficients lie at c. */
function lastOfRow<T>(x: usize, y: usize, n: u32, c: usize): void {
  const lanes: u32 = 16 / sizeof<T>();
  for (; n >= lanes; n -= lanes, x += 16, y += 16, c += 16)
    v128.store(y, mapped<T>(v128.load(x), v128.load(c), v128.load(c, TABLE), v128.load(c, 2 * TABLE)));
  if (n > 0)
    storeTail<T>(y, mapped<T>(loadTail<T>(x, n), v128.load(c), v128.load(c, TABLE), v128.load(c, 2 * TABLE)), n);
}

function mapped<T>(x: v128, m: v128, s: v128, b: v128): v128 {
  return v128.add<T>(v128.mul<T>(v128.sub<T>(x, m), s), b);
}
