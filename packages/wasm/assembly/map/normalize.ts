/**
 * The rows of y = (x - mean) * s + beta. Coefficients lie in three tables: mean, s, beta.
 *
 *   planes: for each 4 vectors of a row: y = map(x) with the row's coefficients
 *   columns: for each 4 vectors of columns: y = map(x) in all rows of a group, coefficients in registers
 *
 * Instructions per vector, counted in the machine code that V8 makes: 6.3 for one long row; for columns 7.5 in groups
 * of 4 rows.
 */
import { differencesInRange, mapInRange } from "../careful/range";
import { job } from "../job";
import { channelsOfTile } from "../plan/columns";
import { lastOfChunk } from "../plan/planes";
import { TABLE, table } from "../shape";
import { betas, means, scales, spread, spreadScales } from "../tables";
import { firstBytes, loadTail, storeTail } from "../vector";

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
export function openChannels<T>(into: usize, first: u32, n: u32): bool {
  means<T>(into, first, n);
  betas<T>(into + 2 * TABLE, first, n);
  return scales<T>(into + TABLE, first, n) && offsetsInRange<T>(first, n);
}

export function isInRange<T>(channel: u32, at: usize): bool {
  return mapInRange<T>(channel, load<T>(at), load<T>(at, TABLE), load<T>(at, 2 * TABLE));
}

// ---- planes

/**
 * Maps n elements that follow one another: the `rest` of a channel's row, whose coefficients lie at `at`, then rows of
 * the channels after it; the first channel follows the last one. A vector that a row shares with the next one is mapped
 * with the coefficients of both.
 */
export function mapRows<T>(offset: usize, n: u32, rest: u32, at: usize): void {
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

export function openTile<T>(): bool {
  spread<T>(0, job.mean, 0);
  spread<T>(2, job.beta, <T>-0.0);
  return spreadScales<T>(1) && offsetsInRange<T>(job.first, channelsOfTile());
}

export function mapStart<T>(offset: usize, n: u32): void {
  lastOfRow<T>(job.x + offset, job.y + offset, n, table(0));
}

/**
 * Maps n columns of some rows, the first one and others `far` bytes apart, block by block of four vectors, whose twelve coefficients
 * stay in registers.
 */
export function mapGroup<T>(row: u32, rows: u32, far: usize, column: u32, n: u32): void {
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
