/**
 * The two sums of every channel of planes, taken in order of memory:
 *
 * entries = 0                                   a float64 pair of sums per channel
 *   for each row of inner elements, or several outer rows at a time if they are short:
 *     for each channel c:
 *       for each run of RUN x 4 vectors:          sums in the dtype, a tree of four vectors per addition
 *         a, q = sums of u, v over the run
 *         entries[c] += a, q                      widened (float32) or compensated (float64)
 *   total[c] = the lanes of entries[c]
 *
 * If a tensor has short outer rows, each channel's elements are cut into parts that have entries of their own. The
 * number of parts depends only on the shape, and they are added in order, so that threads do not change bits. Bounds:
 * N-1, with at most 2 + RUN + 3 additions in the dtype.
 */
import { job } from "../job";
import { CHUNK, count, entryBytes, partial, TOTALS, table } from "../shape";
import { lastLanes, lost, total, widen, zero } from "../vector";
import { areDeviations, first as firstTerm, second, sumOfFour } from "./terms";

/** The number of additions per lane before its sum is widened. */
const RUN: u32 = 8;
/** The number of outer rows that are read together, each as a stream of its own. */
const MOST_TOGETHER: u32 = 4;

/** Clears the entries of channels [first, last) for one part, and sums the part's elements into them. */
export function sumPart<T, K>(first: u32, last: u32, part: u32): void {
  const from = part * job.size;
  const entries = entryOf<T>(part, first);
  memory.fill(entries, 0, (last - first) * entryBytes<T>());
  let n = min(job.size, count() - from);
  const inner = job.inner;
  const plane = inner * sizeof<T>();
  const apart = job.x - job.dy;
  const coefficients = (first - job.first) * sizeof<T>();
  const c0 = table(0) + coefficients;
  const c1 = table(1) + coefficients;
  const row = from / inner;
  let column = from - row * inner;
  let start = (areDeviations<K>() ? job.x : job.dy) + (row * job.channels + first) * plane;
  const together = rowsTogether<T>();
  while (n > 0) {
    const length = min(inner - column, n);
    const rows = column === 0 ? max(min(together, n / inner), 1) : 1;
    let p = start + column * sizeof<T>();
    let at: usize = 0;
    let entry = entries;
    for (const end = (last - first) * sizeof<T>(); at < end; at += sizeof<T>()) {
      sumRows<T, K>(p, length, rows, apart, v128.load_splat<T>(c0 + at), v128.load_splat<T>(c1 + at), entry);
      p += plane;
      entry += entryBytes<T>();
    }
    start += rows * job.channels * plane;
    n -= rows * length;
    column = 0;
  }
}

/** The number of outer rows whose sums fit into one run. */
function rowsTogether<T>(): u32 {
  const vectors = job.inner / (16 / sizeof<T>());
  const odd = job.inner % (16 / sizeof<T>()) > 0;
  return min((RUN + 3) / (vectors / 4 + (vectors % 4) + u32(odd)), MOST_TOGETHER);
}

function entryOf<T>(part: u32, channel: u32): usize {
  return partial() + (part * min(job.channels, CHUNK) + channel - job.first) * entryBytes<T>();
}

/**
 * Adds both sums of n > 0 elements of each of some rows to an entry. If there is more than one row, there are
 * `rowsTogether` of them.
 */
function sumRows<T, K>(p: usize, n: u32, rows: u32, apart: usize, c0: v128, c1: v128, entry: usize): void {
  const lanes: u32 = 16 / sizeof<T>();
  const toNext = job.channels * job.inner * sizeof<T>();
  let a = zero();
  let q = zero();
  let left = n;
  while (true) {
    const quads = min(RUN, left / (4 * lanes));
    left -= quads * 4 * lanes;
    let at = p;
    for (p += quads * 64; at < p; at += 64) {
      const u0 = firstTerm<T, K>(v128.load(at), c0);
      const u1 = firstTerm<T, K>(v128.load(at, 16), c0);
      const u2 = firstTerm<T, K>(v128.load(at, 32), c0);
      const u3 = firstTerm<T, K>(v128.load(at, 48), c0);
      a = v128.add<T>(a, sumOfFour<T>(u0, u1, u2, u3));
      const v0 = second<T, K>(u0, at, apart, c0, c1);
      const v1 = second<T, K>(u1, at + 16, apart, c0, c1);
      const v2 = second<T, K>(u2, at + 32, apart, c0, c1);
      const v3 = second<T, K>(u3, at + 48, apart, c0, c1);
      q = v128.add<T>(q, sumOfFour<T>(v0, v1, v2, v3));
    }
    if (left < 4 * lanes) {
      for (; left >= lanes; left -= lanes) {
        const u = firstTerm<T, K>(v128.load(p), c0);
        a = v128.add<T>(a, u);
        q = v128.add<T>(q, second<T, K>(u, p, apart, c0, c1));
        p += 16;
      }
      if (left > 0) {
        // The vector that ends at the end of the row: its first lanes were already summed, or belong to the row before.
        const mask = lastLanes<T>(left);
        at = p + left * sizeof<T>() - 16;
        const u = firstTerm<T, K>(v128.load(at), c0);
        a = v128.add<T>(a, v128.and(u, mask));
        q = v128.add<T>(q, v128.and(second<T, K>(u, at, apart, c0, c1), mask));
        p += left * sizeof<T>();
      }
      if (--rows > 0) {
        p += toNext - n * sizeof<T>();
        left = n;
        continue;
      }
      left = 0;
    }
    if (sizeof<T>() === 4) {
      v128.store(entry, widen(v128.load(entry), a));
      v128.store(entry, widen(v128.load(entry, 16), q), 16);
    } else {
      addCompensated(entry, a, 32);
      addCompensated(entry + 16, q, 32);
    }
    if (left === 0) return;
    a = zero();
    q = zero();
  }
}

/** sum += term. The rounding error is added to a second sum, `apart` bytes further on. */
export function addCompensated(sum: usize, term: v128, apart: usize): void {
  const before = v128.load(sum);
  const after = f64x2.add(before, term);
  v128.store(sum, after);
  v128.store(sum + apart, f64x2.add(v128.load(sum + apart), lost(before, term, after)));
}

/** Adds up parts and lanes. Computes both totals of channels [first, last), as float64. */
export function totalsOfPlanes<T>(first: u32, last: u32): void {
  const A = table(TOTALS);
  const Q = table(TOTALS + 1);
  for (let channel = first; channel < last; channel++) {
    let a = zero();
    let q = zero();
    let lostA = zero();
    let lostQ = zero();
    for (let part: u32 = 0; part < job.parts; part++) {
      const entry = entryOf<T>(part, channel);
      const termA = v128.load(entry);
      const termQ = v128.load(entry, 16);
      const nextA = f64x2.add(a, termA);
      const nextQ = f64x2.add(q, termQ);
      if (sizeof<T>() === 8) {
        lostA = f64x2.add(lostA, f64x2.add(lost(a, termA, nextA), v128.load(entry, 32)));
        lostQ = f64x2.add(lostQ, f64x2.add(lost(q, termQ, nextQ), v128.load(entry, 48)));
      }
      a = nextA;
      q = nextQ;
    }
    const at = (channel - job.first) * 8;
    store<f64>(A + at, total(a, lostA));
    store<f64>(Q + at, total(q, lostQ));
  }
}
