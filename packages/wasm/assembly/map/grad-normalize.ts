/**
 * The rows of dx = ((dy - a) - (x - mean) c) s. Coefficients lie in four tables: mean, a, c, s.
 *
 *   planes: for each 4 vectors of a row: dx = map(dy, x) with the row's coefficients
 *   columns: for each 3 vectors of columns: dx = map(dy, x) in all rows of a group, coefficients in registers
 *
 * Instructions per vector, counted in the machine code that V8 makes: 10.3 for one long row; for columns 12.1 in groups
 * of 4 rows; 13.5 in [8, 512, 49], where a row of 49 ends in a single value and 3 of 16 accesses straddle two lines.
 *
 * Columns take 0.9 to 1.06 times their limit (1.3 long rows). Accesses to memory bound them: a long row makes 3 per
 * vector, columns make 4, with their coefficients. Blocks of 2 vectors take up to 1.1 times as long as those of 3 (float64
 * [585, 64, 7] 95 and 86 us), and more rows would be more streams than are prefetched.
 */
import { differencesInRange, gradientInRange } from "../careful/range";
import { job } from "../job";
import { channelsOfTile } from "../plan/columns";
import { lastOfChunk } from "../plan/planes";
import { TABLE, table } from "../shape";
import { gradients, means, spread, spreadGradients } from "../tables";
import { loadTail, storeTail } from "../vector";

/**
 * Computes mean, share, slope and scale of n channels, a table apart. Returns true if the ordinary map is right for all
 * of them.
 */
export function openChannels<T>(into: usize, first: u32, n: u32): bool {
  means<T>(into, first, n);
  return (
    gradients<T>(into + TABLE, first, n) && (!job.mean || differencesInRange<T>(job.mean + first * sizeof<T>(), n))
  );
}

export function isInRange<T>(channel: u32, at: usize): bool {
  return gradientInRange<T>(channel, load<T>(at), load<T>(at, TABLE), load<T>(at, 2 * TABLE), load<T>(at, 3 * TABLE));
}

// ---- planes

/**
 * Maps n elements that follow one another: the `rest` of a channel's row, whose coefficients lie at `at`, then rows of
 * the channels after it; the first channel follows the last one.
 */
export function mapRows<T>(offset: usize, n: u32, rest: u32, at: usize): void {
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

export function openTile<T>(): bool {
  spread<T>(0, job.mean, 0);
  return spreadGradients<T>(1) && differencesInRange<T>(job.mean + job.first * sizeof<T>(), channelsOfTile());
}

export function mapStart<T>(offset: usize, n: u32): void {
  lastOfRow<T>(job.dy + offset, job.x + offset, job.y + offset, n, table(0));
}

/**
 * Maps n columns of some rows, the first one and others `far` bytes apart, block by block of three vectors, whose twelve coefficients
 * stay in registers.
 */
export function mapGroup<T>(row: u32, rows: u32, far: usize, column: u32, n: u32): void {
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
