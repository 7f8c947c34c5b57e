/**
 * The two sums of every column of short rows, taken in order of memory:
 *
 *   entries = 0                                     float64 sums per column
 *   for each band of fours of rows:
 *     runs = 0                                      sums in the dtype per column
 *     for each group of the band's fours:
 *       for each block of 64 bytes of columns:
 *         runs[block] += sums of u, v over the group's rows, in registers, a tree of four rows per addition
 *     entries += runs                               widened (float32) or compensated (float64)
 *   total[c] = the columns of channel c in entries  columns-totals.ts
 *
 * The rows of a four lie a quarter of the part apart, so that they are four streams, each in order of memory, which
 * hardware prefetches side by side; rows that are left over follow one another, and so do all rows of a small tensor.
 * The bits depend only on the shape. A group is as many rows as stay in the first-level cache while their columns are
 * walked. If the number of columns is not a multiple of a block, the last block overlaps the one before it, and the
 * overlap is counted once. Each part of the rows has its own entries, and these are added in order. Bounds: N-1, with
 * at most 2 + band / 4 + 3 additions in the dtype.
 */
import { job, run } from "../job";
import {
  areStripsWhole,
  BAND,
  BLOCK_BYTES,
  bytesOfTile,
  groupOf,
  pastOfStrip,
  streamsOf,
  strips,
} from "../plan/columns";
import { BLOCK_LIST, partial, TABLE, table } from "../shape";
import { upper } from "../vector";
import { addCompensated } from "./planes";
import { areDeviations, first as firstTerm, operands, second, sumOfFour } from "./terms";

/**
 * The bytes of a block's entries: two sums of float64, their rounding errors if the dtype is float64, and from RUNS on
 * two sums in the dtype.
 */
export const BLOCK: u32 = BLOCK_BYTES;
export const LOST: u32 = 128;
const RUNS: u32 = 256;
/** Eight vectors of zeros, which a band's runs begin with: a load costs less than a branch. */
const ZEROS: usize = memory.data(128, 16);

/** The bytes from a column's A to its Q. */
export function fromAToQ<T>(): usize {
  return 512 / sizeof<T>();
}

/** Sums the blocks that are listed in items [first, past). */
export function sumListed<T, K>(first: u32, past: u32): void {
  if (areStripsWhole()) {
    sumRows<T, K>(0, first, past);
    return;
  }
  job.listed = past;
  run((item: u32) => sumItem<T, K>(item), strips() * job.parts, 2 * bytesOfTile<T>());
}

/** Sums one part of one strip of the listed blocks. */
export function sumItem<T, K>(item: u32): void {
  const strip = item / job.parts;
  sumRows<T, K>(item - strip * job.parts, strip * job.strip, min(pastOfStrip(strip), job.listed));
}

/** Sums the rows of one part, for the blocks that are listed in items [first, last). */
function sumRows<T, K>(part: u32, first: u32, last: u32): void {
  const from = part * job.span;
  if (from >= job.rows || first >= last) return;
  const list = table(BLOCK_LIST) + first * 8;
  const end = table(BLOCK_LIST) + last * 8;
  const rows = min(job.span, job.rows - from);
  const entries = partial() + part * job.blocks * BLOCK;
  const start = (areDeviations<K>() ? job.x : job.dy) + job.firstColumn * sizeof<T>() + from * job.stride;
  const firstEntry = load<u32>(list, 4);
  memory.fill(entries + firstEntry, 0, load<u32>(end - 8, 4) + BLOCK - firstEntry);
  // The rows of a four lie `far` bytes apart, and each four lies `next` bytes after the one before.
  const each = streamsOf<T>(operands<K>(), rows);
  const group = groupOf<T>(operands<K>());
  let p = start;
  let streamed = 4 * each;
  let far = each * job.stride;
  let next = job.stride;
  for (let left = rows; left > 0; ) {
    let band = min(BAND, left);
    left -= band;
    for (let opens = true; band > 0; opens = false) {
      if (streamed === 0 && next === job.stride) {
        p = start + 4 * far;
        far = job.stride;
        next = 4 * far;
      }
      const n = min(min(group, band), streamed > 0 ? streamed : band);
      band -= n;
      streamed -= min(n, streamed);
      sumGroup<T, K>(list, end, p, n, far, next, entries, opens, band === 0);
      p += (n / 4) * next;
    }
  }
}

/**
 * Adds both sums of `rows` rows to the runs of a band that this group opens, closes, or both. The last rows, if they are
 * fewer than four, lie `far` bytes apart as well.
 */
function sumGroup<T, K>(
  list: usize,
  end: usize,
  start: usize,
  rows: u32,
  far: usize,
  next: usize,
  entries: usize,
  opens: bool,
  closes: bool,
): void {
  const apart = job.x - job.dy;
  const tables = table(0);
  const apiece: usize = sizeof<T>() === 4 ? 32 : 16; // the bytes of the sums of a vector of columns
  for (let i = list; i < end; i += 8) {
    const at = load<u32>(i);
    const sums = entries + load<u32>(i, 4);
    const c = tables + at;
    let p = start + at;
    const runs = opens ? ZEROS : sums + RUNS;
    let a0 = v128.load(runs);
    let a1 = v128.load(runs, 16);
    let a2 = v128.load(runs, 32);
    let a3 = v128.load(runs, 48);
    let q0 = v128.load(runs, 64);
    let q1 = v128.load(runs, 80);
    let q2 = v128.load(runs, 96);
    let q3 = v128.load(runs, 112);
    let left = rows;
    for (; left >= 4; left -= 4) {
      const p1 = p + far;
      const p2 = p1 + far;
      const p3 = p2 + far;
      const x = p + apart;
      const x1 = p1 + apart;
      const x2 = p2 + apart;
      const x3 = p3 + apart;
      let s = v128.load(c);
      let r = areDeviations<K>() ? s : v128.load(c, TABLE);
      let u0 = firstTerm<T, K>(v128.load(p), s);
      let u1 = firstTerm<T, K>(v128.load(p1), s);
      let u2 = firstTerm<T, K>(v128.load(p2), s);
      let u3 = firstTerm<T, K>(v128.load(p3), s);
      a0 = v128.add<T>(a0, sumOfFour<T>(u0, u1, u2, u3));
      u0 = second<T, K>(u0, x, s, r);
      u1 = second<T, K>(u1, x1, s, r);
      u2 = second<T, K>(u2, x2, s, r);
      u3 = second<T, K>(u3, x3, s, r);
      q0 = v128.add<T>(q0, sumOfFour<T>(u0, u1, u2, u3));
      s = v128.load(c, 16);
      r = areDeviations<K>() ? s : v128.load(c, TABLE + 16);
      u0 = firstTerm<T, K>(v128.load(p, 16), s);
      u1 = firstTerm<T, K>(v128.load(p1, 16), s);
      u2 = firstTerm<T, K>(v128.load(p2, 16), s);
      u3 = firstTerm<T, K>(v128.load(p3, 16), s);
      a1 = v128.add<T>(a1, sumOfFour<T>(u0, u1, u2, u3));
      u0 = second<T, K>(u0, x + 16, s, r);
      u1 = second<T, K>(u1, x1 + 16, s, r);
      u2 = second<T, K>(u2, x2 + 16, s, r);
      u3 = second<T, K>(u3, x3 + 16, s, r);
      q1 = v128.add<T>(q1, sumOfFour<T>(u0, u1, u2, u3));
      s = v128.load(c, 32);
      r = areDeviations<K>() ? s : v128.load(c, TABLE + 32);
      u0 = firstTerm<T, K>(v128.load(p, 32), s);
      u1 = firstTerm<T, K>(v128.load(p1, 32), s);
      u2 = firstTerm<T, K>(v128.load(p2, 32), s);
      u3 = firstTerm<T, K>(v128.load(p3, 32), s);
      a2 = v128.add<T>(a2, sumOfFour<T>(u0, u1, u2, u3));
      u0 = second<T, K>(u0, x + 32, s, r);
      u1 = second<T, K>(u1, x1 + 32, s, r);
      u2 = second<T, K>(u2, x2 + 32, s, r);
      u3 = second<T, K>(u3, x3 + 32, s, r);
      q2 = v128.add<T>(q2, sumOfFour<T>(u0, u1, u2, u3));
      s = v128.load(c, 48);
      r = areDeviations<K>() ? s : v128.load(c, TABLE + 48);
      u0 = firstTerm<T, K>(v128.load(p, 48), s);
      u1 = firstTerm<T, K>(v128.load(p1, 48), s);
      u2 = firstTerm<T, K>(v128.load(p2, 48), s);
      u3 = firstTerm<T, K>(v128.load(p3, 48), s);
      a3 = v128.add<T>(a3, sumOfFour<T>(u0, u1, u2, u3));
      u0 = second<T, K>(u0, x + 48, s, r);
      u1 = second<T, K>(u1, x1 + 48, s, r);
      u2 = second<T, K>(u2, x2 + 48, s, r);
      u3 = second<T, K>(u3, x3 + 48, s, r);
      q3 = v128.add<T>(q3, sumOfFour<T>(u0, u1, u2, u3));
      p += next;
    }
    // The last rows, fewer than four.
    for (; left > 0; left--, p += far) {
      let s = v128.load(c);
      let u = firstTerm<T, K>(v128.load(p), s);
      a0 = v128.add<T>(a0, u);
      q0 = v128.add<T>(q0, second<T, K>(u, p + apart, s, areDeviations<K>() ? s : v128.load(c, TABLE)));
      s = v128.load(c, 16);
      u = firstTerm<T, K>(v128.load(p, 16), s);
      a1 = v128.add<T>(a1, u);
      q1 = v128.add<T>(q1, second<T, K>(u, p + apart + 16, s, areDeviations<K>() ? s : v128.load(c, TABLE + 16)));
      s = v128.load(c, 32);
      u = firstTerm<T, K>(v128.load(p, 32), s);
      a2 = v128.add<T>(a2, u);
      q2 = v128.add<T>(q2, second<T, K>(u, p + apart + 32, s, areDeviations<K>() ? s : v128.load(c, TABLE + 32)));
      s = v128.load(c, 48);
      u = firstTerm<T, K>(v128.load(p, 48), s);
      a3 = v128.add<T>(a3, u);
      q3 = v128.add<T>(q3, second<T, K>(u, p + apart + 48, s, areDeviations<K>() ? s : v128.load(c, TABLE + 48)));
    }
    if (closes) {
      const Q = sums + fromAToQ<T>();
      addRun<T>(sums, a0);
      addRun<T>(sums + apiece, a1);
      addRun<T>(sums + 2 * apiece, a2);
      addRun<T>(sums + 3 * apiece, a3);
      addRun<T>(Q, q0);
      addRun<T>(Q + apiece, q1);
      addRun<T>(Q + 2 * apiece, q2);
      addRun<T>(Q + 3 * apiece, q3);
    } else {
      v128.store(sums, a0, RUNS);
      v128.store(sums, a1, RUNS + 16);
      v128.store(sums, a2, RUNS + 32);
      v128.store(sums, a3, RUNS + 48);
      v128.store(sums, q0, RUNS + 64);
      v128.store(sums, q1, RUNS + 80);
      v128.store(sums, q2, RUNS + 96);
      v128.store(sums, q3, RUNS + 112);
    }
  }
}

/** Adds a vector's run to its sums. */
function addRun<T>(sums: usize, run: v128): void {
  if (sizeof<T>() === 8) addCompensated(sums, run, LOST);
  else {
    v128.store(sums, f64x2.add(v128.load(sums), f64x2.promote_low_f32x4(run)));
    v128.store(sums, f64x2.add(v128.load(sums, 16), f64x2.promote_low_f32x4(upper(run))), 16);
  }
}
