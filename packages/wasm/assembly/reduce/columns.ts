/**
 * The two sums of every column of short rows, taken in order of memory:
 *
 *   entries = 0                                   float64 sums per column
 *   for each band of rows:
 *     for each block of 64 bytes of columns:
 *       a, q = sums of u, v over the band's rows  in the dtype, in registers, a tree of four rows per addition
 *       entries[block] += a, q                    widened (float32) or compensated (float64)
 *   total[c] = the columns of channel c in entries
 *
 * Where the columns are not a multiple of a block, the last block begins before the end of the one before it, and what both have
 * is taken once. Parts of the rows have entries of their own and are added in order. Bounds: N-1, with 2 + band / 4 + 3 additions
 * in the dtype at most.
 */
import { job } from "../job";
import { BLOCK_BYTES, BLOCK_FLAGS, partial, TOTALS, table } from "../shape";
import { finite, lost, lostOf, regain, upper, zero } from "../vector";
import { addCompensated } from "./planes";
import { areDeviations, first as firstTerm, second, sumOfFour } from "./terms";

/** Bytes of a block's entries: two sums of float64, for float64 what those lost, and from RUNS on two sums in the dtype. */
const BLOCK: u32 = BLOCK_BYTES;
const RUNS: u32 = 256;

/** The rows of one part: all blocks that have a flag. */
export function sumRows<T, K>(part: u32): void {
  const from = part * job.span;
  if (from >= job.rows) return;
  let rows = min(job.span, job.rows - from);
  const entries = partial() + part * job.blocks * BLOCK;
  const flags = table(BLOCK_FLAGS);
  const last = job.columns * sizeof<T>() - 64;
  const apart = job.x - job.dy;
  let p = (areDeviations<K>() ? job.x : job.dy) + job.firstColumn * sizeof<T>() + from * job.stride;
  for (let block: u32 = 0; block < job.blocks; block++)
    if (load<u8>(flags + block) !== 0) clear(entries + block * BLOCK);
  while (rows > 0) {
    const band = min(job.band, rows);
    for (let block: u32 = 0; block < job.blocks; block++) {
      if (load<u8>(flags + block) === 0) continue;
      const at = min(block * 64, last);
      sumBlock<T, K>(p + at, band, apart, table(0) + at, table(1) + at, entries + block * BLOCK);
    }
    p += band * job.stride;
    rows -= band;
  }
}

function clear(entries: usize): void {
  for (const end = entries + RUNS; entries < end; entries += 16) v128.store(entries, zero());
}

/** Adds both sums of `rows` rows of a block to its entries. */
function sumBlock<T, K>(p: usize, rows: u32, apart: usize, c0: usize, c1: usize, entries: usize): void {
  const stride = job.stride;
  let a0 = zero();
  let a1 = zero();
  let a2 = zero();
  let a3 = zero();
  let q0 = zero();
  let q1 = zero();
  let q2 = zero();
  let q3 = zero();
  for (; rows >= 4; rows -= 4) {
    const p1 = p + stride;
    const p2 = p1 + stride;
    const p3 = p2 + stride;
    let s = v128.load(c0);
    let r = areDeviations<K>() ? s : v128.load(c1);
    let u0 = firstTerm<T, K>(v128.load(p), s);
    let u1 = firstTerm<T, K>(v128.load(p1), s);
    let u2 = firstTerm<T, K>(v128.load(p2), s);
    let u3 = firstTerm<T, K>(v128.load(p3), s);
    a0 = v128.add<T>(a0, sumOfFour<T>(u0, u1, u2, u3));
    u0 = second<T, K>(u0, p, apart, s, r);
    u1 = second<T, K>(u1, p1, apart, s, r);
    u2 = second<T, K>(u2, p2, apart, s, r);
    u3 = second<T, K>(u3, p3, apart, s, r);
    q0 = v128.add<T>(q0, sumOfFour<T>(u0, u1, u2, u3));
    s = v128.load(c0, 16);
    r = areDeviations<K>() ? s : v128.load(c1, 16);
    u0 = firstTerm<T, K>(v128.load(p, 16), s);
    u1 = firstTerm<T, K>(v128.load(p1, 16), s);
    u2 = firstTerm<T, K>(v128.load(p2, 16), s);
    u3 = firstTerm<T, K>(v128.load(p3, 16), s);
    a1 = v128.add<T>(a1, sumOfFour<T>(u0, u1, u2, u3));
    u0 = second<T, K>(u0, p + 16, apart, s, r);
    u1 = second<T, K>(u1, p1 + 16, apart, s, r);
    u2 = second<T, K>(u2, p2 + 16, apart, s, r);
    u3 = second<T, K>(u3, p3 + 16, apart, s, r);
    q1 = v128.add<T>(q1, sumOfFour<T>(u0, u1, u2, u3));
    s = v128.load(c0, 32);
    r = areDeviations<K>() ? s : v128.load(c1, 32);
    u0 = firstTerm<T, K>(v128.load(p, 32), s);
    u1 = firstTerm<T, K>(v128.load(p1, 32), s);
    u2 = firstTerm<T, K>(v128.load(p2, 32), s);
    u3 = firstTerm<T, K>(v128.load(p3, 32), s);
    a2 = v128.add<T>(a2, sumOfFour<T>(u0, u1, u2, u3));
    u0 = second<T, K>(u0, p + 32, apart, s, r);
    u1 = second<T, K>(u1, p1 + 32, apart, s, r);
    u2 = second<T, K>(u2, p2 + 32, apart, s, r);
    u3 = second<T, K>(u3, p3 + 32, apart, s, r);
    q2 = v128.add<T>(q2, sumOfFour<T>(u0, u1, u2, u3));
    s = v128.load(c0, 48);
    r = areDeviations<K>() ? s : v128.load(c1, 48);
    u0 = firstTerm<T, K>(v128.load(p, 48), s);
    u1 = firstTerm<T, K>(v128.load(p1, 48), s);
    u2 = firstTerm<T, K>(v128.load(p2, 48), s);
    u3 = firstTerm<T, K>(v128.load(p3, 48), s);
    a3 = v128.add<T>(a3, sumOfFour<T>(u0, u1, u2, u3));
    u0 = second<T, K>(u0, p + 48, apart, s, r);
    u1 = second<T, K>(u1, p1 + 48, apart, s, r);
    u2 = second<T, K>(u2, p2 + 48, apart, s, r);
    u3 = second<T, K>(u3, p3 + 48, apart, s, r);
    q3 = v128.add<T>(q3, sumOfFour<T>(u0, u1, u2, u3));
    p = p3 + stride;
  }
  const runs = entries + RUNS;
  v128.store(runs, a0);
  v128.store(runs, a1, 16);
  v128.store(runs, a2, 32);
  v128.store(runs, a3, 48);
  v128.store(runs, q0, 64);
  v128.store(runs, q1, 80);
  v128.store(runs, q2, 96);
  v128.store(runs, q3, 112);
  // The last rows, fewer than four.
  for (; rows > 0; rows--, p += stride) {
    for (let at: usize = 0; at < 64; at += 16) {
      const s = v128.load(c0 + at);
      const u = firstTerm<T, K>(v128.load(p + at), s);
      const v = second<T, K>(u, p + at, apart, s, areDeviations<K>() ? s : v128.load(c1 + at));
      v128.store(runs + at, v128.add<T>(v128.load(runs + at), u));
      v128.store(runs + at, v128.add<T>(v128.load(runs + at, 64), v), 64);
    }
  }
  // A vector's columns take 128 / sizeof<T>() bytes of entries, those of Q begin where four vectors of A end.
  const apiece: usize = sizeof<T>() === 4 ? 32 : 16;
  for (let run = runs, entry = entries; run < runs + 128; run += 16, entry += apiece)
    addVector<T>(entry, v128.load(run));
}

function addVector<T>(entry: usize, run: v128): void {
  if (sizeof<T>() === 8) addCompensated(entry, run, 128);
  else {
    v128.store(entry, f64x2.add(v128.load(entry), f64x2.promote_low_f32x4(run)));
    v128.store(entry, f64x2.add(v128.load(entry, 16), f64x2.promote_low_f32x4(upper(run))), 16);
  }
}

/** Both totals of the tile's channels [first, last), as float64. */
export function totalsOfColumns<T, K>(first: u32, last: u32): void {
  if (job.inner === 1 && job.fold === 1) {
    const even = first + ((last - first) & ~1);
    for (; first < even; first += 2) totalsOfPair<T>(first - job.first);
  }
  for (; first < last; first++) totalsOfChannel<T, K>(first);
}

/** Address of column c's first sum in part 0; the second is Q bytes on. */
function entryOf<T>(c: u32): usize {
  const columns: u32 = 64 / sizeof<T>();
  const block = min(c / columns, job.blocks - 1);
  return partial() + block * BLOCK + (c - min(block * columns, job.columns - columns)) * 8;
}

/** Of two channels that are two neighbouring columns. */
function totalsOfPair<T>(column: u32): void {
  const Q: usize = 512 / sizeof<T>();
  const next = job.blocks * BLOCK;
  let a = zero();
  let q = zero();
  let lostA = zero();
  let lostQ = zero();
  let entry = entryOf<T>(column);
  for (let part: u32 = 0; part < job.parts; part++, entry += next) {
    const termA = v128.load(entry);
    const termQ = v128.load(entry + Q);
    const nextA = f64x2.add(a, termA);
    const nextQ = f64x2.add(q, termQ);
    if (sizeof<T>() === 8) {
      lostA = f64x2.add(lostA, f64x2.add(lost(a, termA, nextA), v128.load(entry + 128)));
      lostQ = f64x2.add(lostQ, f64x2.add(lost(q, termQ, nextQ), v128.load(entry + Q + 128)));
    }
    a = nextA;
    q = nextQ;
  }
  v128.store(table(TOTALS) + column * 8, sizeof<T>() === 8 ? regain(a, lostA) : a);
  v128.store(table(TOTALS + 1) + column * 8, sizeof<T>() === 8 ? regain(q, lostQ) : q);
}

/** Of a channel with several columns, and with elements after the last whole row. */
function totalsOfChannel<T, K>(channel: u32): void {
  const Q: usize = 512 / sizeof<T>();
  const width = job.channels * job.inner;
  const column = (channel - job.first) * job.inner;
  let a: f64 = 0;
  let q: f64 = 0;
  let lostA: f64 = 0;
  let lostQ: f64 = 0;
  const parts = job.rows > 0 ? job.parts : 0;
  for (let part: u32 = 0; part < parts; part++) {
    const entries = part * job.blocks * BLOCK;
    for (let fold: u32 = 0; fold < job.fold; fold++) {
      for (let c = fold * width + column, end = c + job.inner; c < end; c++) {
        const entry = entries + entryOf<T>(c);
        const termA = load<f64>(entry);
        const termQ = load<f64>(entry + Q);
        lostA += lostOf(a, termA, a + termA);
        lostQ += lostOf(q, termQ, q + termQ);
        if (sizeof<T>() === 8) {
          lostA += load<f64>(entry + 128);
          lostQ += load<f64>(entry + Q + 128);
        }
        a += termA;
        q += termQ;
      }
    }
  }
  const c0 = f64(load<T>(table(0) + column * sizeof<T>()));
  const c1 = f64(load<T>(table(1) + column * sizeof<T>()));
  for (let at = column; at < job.rest; at += width) {
    for (let c = at, end = at + job.inner; c < end; c++) {
      const offset = job.rows * job.stride + c * sizeof<T>();
      const x = f64(load<T>(job.x + offset));
      const u = areDeviations<K>() ? x - c0 : f64(load<T>(job.dy + offset));
      const v = areDeviations<K>() ? u * u : (x - c0) * c1 * u;
      lostA += lostOf(a, u, a + u);
      lostQ += lostOf(q, v, q + v);
      a += u;
      q += v;
    }
  }
  store<f64>(table(TOTALS) + (channel - job.first) * 8, finite(a) ? a + lostA : a);
  store<f64>(table(TOTALS + 1) + (channel - job.first) * 8, finite(q) ? q + lostQ : q);
}
