/**
 * The totals of each channel of columns: the entries of its columns (columns.ts), added part by part, and the elements
 * after the last whole row.
 */
import { job } from "../job";
import { isColumnPerChannel } from "../plan/columns";
import { partial, TOTALS, table } from "../shape";
import { finite, lost, lostOf, regain, zero } from "../vector";
import { BLOCK, fromAToQ, LOST } from "./columns";

/**
 * Computes both totals of the tile's channels [first, last), as float64. The sums are of deviations or of products
 * (terms.ts). That is an argument here, because only the last elements differ and the code would double.
 */
export function totalsOfColumns<T>(first: u32, last: u32, deviations: bool): void {
  if (isColumnPerChannel()) {
    const even = first + ((last - first) & ~1);
    totalsOfPairs<T>(first - job.first, even - job.first);
    first = even;
  }
  for (; first < last; first++) totalsOfChannel<T>(first, deviations);
}

/** The address of column c's first sum in part 0. The second sum follows Q bytes later. */
function entryOf<T>(c: u32): usize {
  const columns: u32 = 64 / sizeof<T>();
  const block = c / columns;
  return partial() + block * BLOCK + (c - min(block * columns, job.columns - columns)) * 8;
}

/** Computes the totals of channels that are columns [first, last), two at a time. */
function totalsOfPairs<T>(first: u32, last: u32): void {
  const Q = fromAToQ<T>();
  const next = job.blocks * BLOCK;
  let entry = entryOf<T>(first);
  for (let c = first; c < last; c += 2, entry += 16) {
    if (c % (64 / sizeof<T>()) === 0) entry = entryOf<T>(c);
    let a = v128.load(entry);
    let q = v128.load(entry + Q);
    let lostA = sizeof<T>() === 8 ? v128.load(entry, LOST) : a;
    let lostQ = sizeof<T>() === 8 ? v128.load(entry + Q, LOST) : q;
    for (let part: u32 = 1, at = entry + next; part < job.parts; part++, at += next) {
      const termA = v128.load(at);
      const termQ = v128.load(at + Q);
      const nextA = f64x2.add(a, termA);
      const nextQ = f64x2.add(q, termQ);
      if (sizeof<T>() === 8) {
        lostA = f64x2.add(lostA, f64x2.add(lost(a, termA, nextA), v128.load(at, LOST)));
        lostQ = f64x2.add(lostQ, f64x2.add(lost(q, termQ, nextQ), v128.load(at + Q, LOST)));
      }
      a = nextA;
      q = nextQ;
    }
    v128.store(table(TOTALS) + c * 8, sizeof<T>() === 8 ? regain(a, lostA) : a);
    v128.store(table(TOTALS + 1) + c * 8, sizeof<T>() === 8 ? regain(q, lostQ) : q);
  }
}

/** Computes the totals of a channel that has several columns, and elements after the last whole row. */
function totalsOfChannel<T>(channel: u32, deviations: bool): void {
  const Q = fromAToQ<T>();
  const next = job.blocks * BLOCK;
  const width = job.channels * job.inner;
  const column = (channel - job.first) * job.inner;
  const parts = job.rows > 0 ? job.parts : 0;
  let sumA = zero();
  let sumQ = zero();
  let lossA = zero();
  let lossQ = zero();
  for (let fold: u32 = 0; fold < job.fold; fold++) {
    let c = fold * width + column;
    for (const end = c + job.inner; c < end; ) {
      const two = c + 1 < end && (c + 1) % (64 / sizeof<T>()) > 0; // both in one block
      let entry = entryOf<T>(c);
      c += two ? 2 : 1;
      for (let part: u32 = 0; part < parts; part++, entry += next) {
        const termA = columnsAt(entry, two);
        const termQ = columnsAt(entry + Q, two);
        const nextA = f64x2.add(sumA, termA);
        const nextQ = f64x2.add(sumQ, termQ);
        if (sizeof<T>() === 8) {
          lossA = f64x2.add(lossA, f64x2.add(lost(sumA, termA, nextA), columnsAt(entry + LOST, two)));
          lossQ = f64x2.add(lossQ, f64x2.add(lost(sumQ, termQ, nextQ), columnsAt(entry + Q + LOST, two)));
        }
        sumA = nextA;
        sumQ = nextQ;
      }
    }
  }
  const lower = v128.shuffle<i64>(sumA, sumQ, 0, 2);
  const higher = v128.shuffle<i64>(sumA, sumQ, 1, 3);
  const sums = f64x2.add(lower, higher);
  const losses = f64x2.add(v128.shuffle<i64>(lossA, lossQ, 0, 2), v128.shuffle<i64>(lossA, lossQ, 1, 3));
  const rests = f64x2.add(lost(lower, higher, sums), losses);
  let a = f64x2.extract_lane(sums, 0);
  let q = f64x2.extract_lane(sums, 1);
  let lostA = f64x2.extract_lane(rests, 0);
  let lostQ = f64x2.extract_lane(rests, 1);
  const c0 = f64(load<T>(table(0) + column * sizeof<T>()));
  const c1 = f64(load<T>(table(1) + column * sizeof<T>()));
  for (let at = column; at < job.rest; at += width) {
    for (let c = at, end = at + job.inner; c < end; c++) {
      const offset = job.rows * job.stride + c * sizeof<T>();
      const x = f64(load<T>(job.x + offset));
      const u = deviations ? x - c0 : f64(load<T>(job.dy + offset));
      const v = deviations ? u * u : (x - c0) * c1 * u;
      lostA += lostOf(a, u, a + u);
      lostQ += lostOf(q, v, q + v);
      a += u;
      q += v;
    }
  }
  store<f64>(table(TOTALS) + (channel - job.first) * 8, finite(a) ? a + lostA : a);
  store<f64>(table(TOTALS + 1) + (channel - job.first) * 8, finite(q) ? q + lostQ : q);
}

/** One sum of two columns, or of one and 0. */
function columnsAt(entry: usize, two: bool): v128 {
  return two ? v128.load(entry) : v128.load_zero<f64>(entry);
}
