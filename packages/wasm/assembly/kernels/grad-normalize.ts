/**
 * K-4. dx = ((dy - a) - (x - mean) c) s with a = sum dy / m, c = r sum(dy x^) / m, s = gamma r, each computed in
 * float64 and rounded once. Without sums dx = dy s; the host then passes dy as x, and no mean. Bound: N-6.
 *
 *   tables = mean, a, c, s of each channel            tables.ts; channels out of range: careful/maps.ts
 *   planes: for each slice of memory, for each row in it: dx = map(dy, x) with the row's coefficients
 *   columns: for each group of rows, for each 3 vectors of columns: dx = map(dy, x) in all rows, coefficients in
 *            registers
 *
 * Instructions per vector, counted in the machine code that V8 makes: 10.3 for one long row; for columns 12.1 in groups
 * of 4 rows; 13.5 in [8, 512, 49], where a row of 49 ends in a single value and 3 of 16 accesses straddle two lines.
 *
 * Columns take 0.9 to 1.06 times their limit (1.3 long rows). Accesses to memory bound them: a long row makes 3 per
 * vector, columns make 4, with their coefficients. Blocks of 2 vectors take up to 1.1 times as long as those of 3 (float64
 * [585, 64, 7] 95 and 86 us), and more rows would be more streams than are prefetched.
 */
import { carefulGradient } from "../careful/maps";
import { canBeHelped, differencesInRange, gradientInRange } from "../careful/range";
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
import { gradients, means, spread, spreadGradients } from "../tables";
import { loadTail, storeTail } from "../vector";
import { mapTensor } from "./normalize";

export function gradNormalize<T>(): void {
  job.fused = 0;
  if (job.sumDy) gradNormalizeTensor<T>();
  else mapTensor<T>();
}

/** The map after the sums are known. */
export function gradNormalizeTensor<T>(): void {
  if (areMapsOfPlanes<T>()) {
    for (job.first = 0; job.first < job.channels; job.first += CHUNK) mapChunk<T>();
    return;
  }
  eachTile<T>(2, () => gradNormalizeTile<T>());
}

/**
 * Checks channel by channel; the coefficients of each lie `step` bytes after those of the one before. Returns false if
 * there is a channel for which the ordinary map is not right and the careful map may be.
 */
function gradientsInRange<T>(first: u32, n: u32, at: usize, step: usize): bool {
  for (const last = first + n; first < last; first++, at += step)
    if (!isInRange<T>(first, at) && canBeHelped<T>(first)) return false;
  return true;
}

function isInRange<T>(channel: u32, at: usize): bool {
  return gradientInRange<T>(channel, load<T>(at), load<T>(at, TABLE), load<T>(at, 2 * TABLE), load<T>(at, 3 * TABLE));
}

/** Maps all rows of n channels one channel at a time, those out of range carefully. */
function mapChannels<T>(first: u32, n: u32, at: usize, step: usize): void {
  const plane = job.inner * sizeof<T>();
  for (const last = first + n; first < last; first++, at += step) {
    if (!isInRange<T>(first, at) && carefulGradient<T>(first)) continue;
    for (let o: u32 = 0; o < job.outer; o++) mapRows<T>((o * job.channels + first) * plane, job.inner, job.inner, at);
  }
}

// ---- planes

/** Maps the channels that have a place in the tables. */
function mapChunk<T>(): void {
  const first = job.first;
  const n = lastOfChunk() - first;
  if (openChannels<T>(table(0), first, n) || gradientsInRange<T>(first, n, table(0), sizeof<T>()))
    run((item: u32) => gradNormalizePlanes<T>(item), slicesOfChunk(), 3 * bytes<T>());
  else mapChannels<T>(first, n, table(0), sizeof<T>());
}

/**
 * Computes mean, share, slope and scale of n channels, a table apart. Returns true if the ordinary map is right for all
 * of them.
 */
function openChannels<T>(into: usize, first: u32, n: u32): bool {
  means<T>(into, first, n);
  return (
    gradients<T>(into + TABLE, first, n) && (!job.mean || differencesInRange<T>(job.mean + first * sizeof<T>(), n))
  );
}

/** One slice of the chunk's elements, in order of memory. */
export function gradNormalizePlanes<T>(slice: u32): void {
  eachRun<T>(slice, (offset: usize, n: u32, rest: u32, at: usize) => mapRows<T>(offset, n, rest, at));
}

/** Maps all rows of channels [first, last) of a chunk, which lie one behind the other. */
export function gradNormalizeBlock<T>(first: u32, last: u32): void {
  const n = last - first;
  const at = table(0) + (first - job.first) * sizeof<T>();
  if (!openChannels<T>(at, first, n) && !gradientsInRange<T>(first, n, at, sizeof<T>())) {
    mapChannels<T>(first, n, at, sizeof<T>());
    return;
  }
  for (let o: u32 = 0; o < job.outer; o++)
    mapRows<T>((o * job.channels + first) * job.inner * sizeof<T>(), n * job.inner, job.inner, at);
}

/**
 * Maps n elements that follow one another: the `rest` of a channel's row, whose coefficients lie at `at`, then rows of
 * the channels after it; the first channel follows the last one.
 */
function mapRows<T>(offset: usize, n: u32, rest: u32, at: usize): void {
  const lanes: u32 = 16 / sizeof<T>();
  let dy = job.dy + offset;
  let x = job.x + offset;
  let dx = job.y + offset;
  const pastTable = table(0) + (lastOfChunk() - job.first) * sizeof<T>();
  while (n > 0) {
    const m = v128.load_splat<T>(at);
    const a = v128.load_splat<T>(at, TABLE);
    const c = v128.load_splat<T>(at, 2 * TABLE);
    const s = v128.load_splat<T>(at, 3 * TABLE);
    let left = min(rest, n);
    n -= left;
    rest = job.inner;
    for (; left >= 4 * lanes; left -= 4 * lanes) {
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
    for (; left >= lanes; left -= lanes) {
      v128.store(dx, mapped<T>(v128.load(dy), v128.load(x), a, m, c, s));
      dy += 16;
      x += 16;
      dx += 16;
    }
    if (left > 0) {
      storeTail<T>(dx, mapped<T>(loadTail<T>(dy, left), loadTail<T>(x, left), a, m, c, s), left);
      const bytes = left * sizeof<T>();
      dy += bytes;
      x += bytes;
      dx += bytes;
    }
    at += sizeof<T>();
    if (at === pastTable) at = table(0);
  }
}

// ---- columns

export function gradNormalizeTile<T>(): void {
  if (areStripsMapped()) {
    run((item: u32) => gradNormalizeStrip<T>(item), strips(), 3 * bytesOfTile<T>());
    return;
  }
  const first = job.first;
  const n = channelsOfTile();
  const apart = job.inner * sizeof<T>();
  spread<T>(0, job.mean, 0);
  const inRange = spreadGradients<T>(1) && differencesInRange<T>(job.mean + first * sizeof<T>(), n);
  if (!inRange && !gradientsInRange<T>(first, n, table(0), apart)) {
    mapChannels<T>(first, n, table(0), apart);
    return;
  }
  run((item: u32) => gradNormalizeRows<T>(item), planRows<T>(3), 3 * bytesOfTile<T>());
}

/** Maps a strip of columns, each of which is a channel. */
export function gradNormalizeStrip<T>(strip: u32): void {
  const first = channelOf<T>(strip * job.strip);
  const n = channelOf<T>(pastOfStrip(strip)) - first;
  const column = first - job.first;
  const at = table(0) + column * sizeof<T>();
  if (openChannels<T>(at, first, n) || gradientsInRange<T>(first, n, at, sizeof<T>()))
    gradNormalizeColumns<T>(0, job.rows, column, n);
  else mapChannels<T>(first, n, at, sizeof<T>());
}

export function gradNormalizeRows<T>(item: u32): void {
  const end = min((item + 1) * job.span, job.rows);
  gradNormalizeColumns<T>(item * job.span, end, 0, job.columns);
  const rest = job.firstColumn * sizeof<T>() + end * job.stride;
  if (end === job.rows && job.rest > 0) lastOfRow<T>(job.dy + rest, job.x + rest, job.y + rest, job.rest, table(0));
}

/** Maps rows [row, end) of n columns. */
function gradNormalizeColumns<T>(row: u32, end: u32, column: u32, n: u32): void {
  const group = groupOfMap<T>(3);
  const far = streamsOfMap<T>(3, end - row, group);
  const stride = job.stride;
  for (const last = row + far; row < last; row++) gradNormalizeGroup<T>(row, group, far * stride, column, n);
  for (row += (group - 1) * far; row < end; row += group)
    gradNormalizeGroup<T>(row, min(group, end - row), stride, column, n);
}

/**
 * Maps n columns of some rows, the first one and others `far` bytes apart, block by block of three vectors, whose twelve coefficients
 * stay in registers.
 */
function gradNormalizeGroup<T>(row: u32, rows: u32, far: usize, column: u32, n: u32): void {
  const offset = (job.firstColumn + column) * sizeof<T>() + row * job.stride;
  const taller = rows * far;
  let dy = job.dy + offset;
  let x = job.x + offset;
  let dx = job.y + offset;
  let bytes = n * sizeof<T>();
  let t = table(0) + column * sizeof<T>();
  for (; bytes >= 48; bytes -= 48) {
    const m0 = v128.load(t);
    const m1 = v128.load(t, 16);
    const m2 = v128.load(t, 32);
    const a0 = v128.load(t, TABLE);
    const a1 = v128.load(t, TABLE + 16);
    const a2 = v128.load(t, TABLE + 32);
    const c0 = v128.load(t, 2 * TABLE);
    const c1 = v128.load(t, 2 * TABLE + 16);
    const c2 = v128.load(t, 2 * TABLE + 32);
    const s0 = v128.load(t, 3 * TABLE);
    const s1 = v128.load(t, 3 * TABLE + 16);
    const s2 = v128.load(t, 3 * TABLE + 32);
    let from = x;
    let to = dx;
    for (let g = dy, end = dy + taller; g !== end; g += far, from += far, to += far) {
      v128.store(to, mapped<T>(v128.load(g), v128.load(from), a0, m0, c0, s0));
      v128.store(to, mapped<T>(v128.load(g, 16), v128.load(from, 16), a1, m1, c1, s1), 16);
      v128.store(to, mapped<T>(v128.load(g, 32), v128.load(from, 32), a2, m2, c2, s2), 32);
    }
    dy += 48;
    x += 48;
    dx += 48;
    t += 48;
  }
  for (; bytes >= 16; bytes -= 16) {
    const m = v128.load(t);
    const a = v128.load(t, TABLE);
    const c = v128.load(t, 2 * TABLE);
    const s = v128.load(t, 3 * TABLE);
    let from = x;
    let to = dx;
    for (let g = dy, end = dy + taller; g !== end; g += far, from += far, to += far)
      v128.store(to, mapped<T>(v128.load(g), v128.load(from), a, m, c, s));
    dy += 16;
    x += 16;
    dx += 16;
    t += 16;
  }
  if (bytes === 0) return;
  const left = u32(bytes) / sizeof<T>();
  for (const end = dy + taller; dy !== end; dy += far, x += far, dx += far) lastOfRow<T>(dy, x, dx, left, t);
}

/** Maps n elements of a row, whose coefficients lie at t. */
function lastOfRow<T>(dy: usize, x: usize, dx: usize, n: u32, t: usize): void {
  const lanes: u32 = 16 / sizeof<T>();
  for (; ; n -= lanes, dy += 16, x += 16, dx += 16, t += 16) {
    const m = v128.load(t);
    const a = v128.load(t, TABLE);
    const c = v128.load(t, 2 * TABLE);
    const s = v128.load(t, 3 * TABLE);
    if (n < lanes) {
      if (n > 0) storeTail<T>(dx, mapped<T>(loadTail<T>(dy, n), loadTail<T>(x, n), a, m, c, s), n);
      return;
    }
    v128.store(dx, mapped<T>(v128.load(dy), v128.load(x), a, m, c, s));
  }
}

function mapped<T>(dy: v128, x: v128, a: v128, m: v128, c: v128, s: v128): v128 {
  return v128.mul<T>(v128.sub<T>(v128.sub<T>(dy, a), v128.mul<T>(v128.sub<T>(x, m), c)), s);
}
