/**
 * The two sums of every channel of planes, taken in order of memory:
 *
 *   for each row of inner elements, or for several outer rows as streams, side by side:
 *     for each channel c:
 *       for each run of RUN x 4 vectors:          sums in the dtype, a tree of four vectors per addition
 *         a, q = sums of u, v over the run
 *         entries[c] += a, q                      a float64 pair of sums, widened (float32) or compensated (float64);
 *                                                 the first run of a part sets them
 *   total[c] = the lanes of entries[c]              planes-totals.ts
 *
 * Four outer rows, a quarter of the part apart, are four streams, which hardware prefetches side by side, and whose sums
 * are widened together. Two operands are two streams each if they exceed a core's own cache or rows are long, and one if
 * they are very large and rows are not short. A tree is one vector of each of four streams, or two of each of two.
 * Measured, float32, us, row by row and as streams: moments [8, 512, 9] 11.6 and 8.9, gradSums 13.7 and 10.6,
 * [64, 32, 64] 18.1 and 14.8. From memory, ns per element, with one and four streams: moments [32, 64, 3136] 0.133 and
 * 0.118, on another machine 0.33 and 0.22; with one, two and four of each operand: gradSums [32, 64, 3136] 0.18, 0.21 and
 * 0.25 (on the other machine, with one and four, 0.52 and 0.42), [128, 512, 49] 0.65, 0.20 and 0.23; in the cache
 * [8, 16, 3136] 0.113, 0.111 and 0.121.
 *
 * If channels are few or the tensor is large, each channel's elements are cut into parts that have entries of their own.
 * The number of parts depends only on the shape, and they are added in order, so that threads do not change bits. Bounds:
 * N-1, with at most 2 + RUN + 3 additions in the dtype.
 */
import { job } from "../job";
import { entryBytes, startOfPart } from "../plan/planes";
import { CHUNK, isLarge, isVeryLarge, odd, partial, TABLE, table } from "../shape";
import { lastLanes, lost, widen, zero } from "../vector";
import { areDeviations, first as firstTerm, operands, second, sumOfFour } from "./terms";

/** The number of additions per lane before its sum is widened. */
const RUN: u32 = 8;
/** Rows of so many bytes are long. */
const LONG: u32 = 4096;
/**
 * The bytes from which on a single row of one operand is cut into streams, if the tensor exceeds a core's own cache.
 * Measured, float32, us, as four streams and as one: moments of [1, 1024, 6272] 1,614 and 867, [1, 256, 25088] 1,130 and
 * 847, [1, 98, 65536] 870 and 850, [1, 24, 262144] 750 and 804. Two operands gain nothing: gradSums of [1, 1, 1900000],
 * as two streams of each and as one, 229 and 227.
 */
const VERY_LONG: u32 = 1048576;
/**
 * Two very large operands with rows of so many bytes are read row by row. Measured, float32, us, as two streams of each and
 * row by row, on one thread and on two: gradSums of [64, 1400, 70] 1,356 and 1,547, 745 and 805, [64, 640, 160] 1,390 and
 * 1,365, 836 and 733, [64, 512, 200] 1,376 and 1,259, 613 and 542, [32, 64, 3136] 1,322 and 1,159, 727 and 649,
 * [1, 24, 262144] 1,338 and 1,154.
 */
const NOT_SHORT: u32 = 768;

/** Sums a part's elements of channels [first, last) into the entries of that part. */
export function sumPart<T, K>(first: u32, last: u32, part: u32): void {
  const from = startOfPart(part);
  const entries = entryOf<T>(part, first);
  let n = startOfPart(part + 1) - from;
  if (n === 0) memory.fill(entries, 0, (last - first) * entryBytes<T>());
  const inner = job.inner;
  const plane = inner * sizeof<T>();
  const c = table(0) + (first - job.first) * sizeof<T>();
  const row = from / inner;
  let column = from - row * inner;
  const toNext = job.channels * plane;
  let start = (areDeviations<K>() ? job.x : job.dy) + row * toNext + first * plane;
  const end = c + (last - first) * sizeof<T>();
  const large = isLarge<T>(operands<K>());
  const streams = streamsOf<T>(operands<K>());
  for (let opens = true; n > 0; opens = false) {
    const length = min(inner - column, n);
    const at = start + column * sizeof<T>();
    let rows = column === 0 ? max(n / inner, 1) : 1;
    if (streams > 1 && rows >= streams) {
      const each = odd(rows / streams);
      for (let i: u32 = 0; i < each; i++)
        sumStreams<T, K>(start + i * toNext, inner, streams, each * toNext, c, end, entries, opens && i === 0);
      rows = streams * each;
    } else if (areDeviations<K>() && large && length * sizeof<T>() >= VERY_LONG) {
      const far = 64 * odd((length * sizeof<T>()) / (64 * streams));
      const each = far / sizeof<T>();
      sumStreams<T, K>(at, each, streams, far, c, end, entries, opens);
      const rest = length - streams * each;
      if (rest > 0) sumRows<T, K>(at + streams * far, rest, 1, c, end, entries, false);
      rows = 1;
    } else {
      rows = min(rows, rowsTogether<T>());
      sumRows<T, K>(at, length, rows, c, end, entries, opens);
    }
    start += rows * toNext;
    n -= rows * length;
    column = 0;
  }
}

/** The number of outer rows of each operand that are walked side by side. */
function streamsOf<T>(operands: u32): u32 {
  const plane = job.inner * sizeof<T>();
  if (operands === 1 || !(isLarge<T>(2) || plane >= LONG)) return 4;
  return isVeryLarge<T>(2) && plane >= NOT_SHORT ? 1 : 2;
}

/** The number of outer rows whose sums fit into one run. */
function rowsTogether<T>(): u32 {
  const vectors = job.inner / (16 / sizeof<T>());
  const odd = job.inner % (16 / sizeof<T>()) > 0;
  return max((RUN + 3) / (vectors / 4 + (vectors % 4) + u32(odd)), 1);
}

/** The address of a channel's entry of a part. */
export function entryOf<T>(part: u32, channel: u32): usize {
  return partial() + (part * min(job.channels, CHUNK) + channel - job.first) * entryBytes<T>();
}

/**
 * Adds both sums of n > 0 elements to the entry of each channel, in some outer rows. The channels' rows follow one
 * another from `start` on. Their coefficients lie from c to `end`, and a table further on. If there is more than one
 * outer row, there are `rowsTogether` of them, which fit into one run. If `opens`, the first run of each channel sets
 * its entry.
 */
function sumRows<T, K>(start: usize, n: u32, rows: u32, c: usize, end: usize, entry: usize, opens: bool): void {
  const lanes: u32 = 16 / sizeof<T>();
  const apart = job.x - job.dy;
  const plane = job.inner * sizeof<T>();
  const toNext = job.channels * plane - n * sizeof<T>();
  const quads = n / (4 * lanes);
  const before = (max(quads, 1) - 1) / RUN; // full runs before the last one
  const bytesOfLast = (quads - before * RUN) * 64;
  const bytesOfRest = ((n / lanes) & 3) * 16;
  const odd = n & (lanes - 1);
  const mask = lastLanes<T>(odd);
  for (; c < end; c += sizeof<T>(), start += plane, entry += entryBytes<T>()) {
    const s = v128.load_splat<T>(c);
    const r = areDeviations<K>() ? s : v128.load_splat<T>(c, TABLE);
    let p = start;
    let left = rows;
    for (let run: u32 = 0; run <= before; run++) {
      let a = zero();
      let q = zero();
      while (true) {
        for (const past = p + (run < before ? RUN * 64 : bytesOfLast); p < past; p += 64) {
          const x = p + apart;
          const u0 = firstTerm<T, K>(v128.load(p), s);
          const u1 = firstTerm<T, K>(v128.load(p, 16), s);
          const u2 = firstTerm<T, K>(v128.load(p, 32), s);
          const u3 = firstTerm<T, K>(v128.load(p, 48), s);
          a = v128.add<T>(a, sumOfFour<T>(u0, u1, u2, u3));
          const v0 = second<T, K>(u0, x, s, r);
          const v1 = second<T, K>(u1, x + 16, s, r);
          const v2 = second<T, K>(u2, x + 32, s, r);
          const v3 = second<T, K>(u3, x + 48, s, r);
          q = v128.add<T>(q, sumOfFour<T>(v0, v1, v2, v3));
        }
        if (run < before) break;
        for (const past = p + bytesOfRest; p < past; p += 16) {
          const u = firstTerm<T, K>(v128.load(p), s);
          a = v128.add<T>(a, u);
          q = v128.add<T>(q, second<T, K>(u, p + apart, s, r));
        }
        if (odd > 0) {
          // The vector that ends where the row does. Its first lanes were summed before, or belong to the row before.
          p += odd * sizeof<T>();
          const u = firstTerm<T, K>(v128.load(p - 16), s);
          a = v128.add<T>(a, v128.and(u, mask));
          q = v128.add<T>(q, v128.and(second<T, K>(u, p - 16 + apart, s, r), mask));
        }
        if (--left === 0) break;
        p += toNext;
      }
      addRuns<T>(entry, a, q, opens && run === 0);
    }
  }
}

/** sum += term. The rounding error is added to a second sum, `apart` bytes further on. */
export function addCompensated(sum: usize, term: v128, apart: usize): void {
  const before = v128.load(sum);
  const after = f64x2.add(before, term);
  v128.store(sum, after);
  v128.store(sum + apart, f64x2.add(v128.load(sum + apart), lost(before, term, after)));
}

/**
 * Adds both sums of as many rows of n elements as there are streams, two or four, `far` bytes apart, to the entry of each
 * channel.
 */
function sumStreams<T, K>(
  start: usize,
  n: u32,
  streams: u32,
  far: usize,
  c: usize,
  end: usize,
  entry: usize,
  opens: bool,
): void {
  const step: u32 = 64 / streams;
  const to1: usize = streams === 4 ? far : 16;
  const to2: usize = streams === 4 ? 2 * far : far;
  const apart = job.x - job.dy;
  const plane = job.inner * sizeof<T>();
  const odd = n & (16 / sizeof<T>() - 1);
  const whole = (n - odd) * sizeof<T>();
  const rest = whole & (step - 1);
  const mask = lastLanes<T>(odd);
  for (; c < end; c += sizeof<T>(), start += plane, entry += entryBytes<T>()) {
    const s = v128.load_splat<T>(c);
    const r = areDeviations<K>() ? s : v128.load_splat<T>(c, TABLE);
    const past = start + whole - rest;
    let p = start;
    do {
      let a = zero();
      let q = zero();
      for (const stop = min(p + RUN * step, past); p < stop; p += step) {
        const p1 = p + to1;
        const p2 = p + to2;
        const p3 = p2 + to1;
        const u0 = firstTerm<T, K>(v128.load(p), s);
        const u1 = firstTerm<T, K>(v128.load(p1), s);
        const u2 = firstTerm<T, K>(v128.load(p2), s);
        const u3 = firstTerm<T, K>(v128.load(p3), s);
        a = v128.add<T>(a, sumOfFour<T>(u0, u1, u2, u3));
        const v0 = second<T, K>(u0, p + apart, s, r);
        const v1 = second<T, K>(u1, p1 + apart, s, r);
        const v2 = second<T, K>(u2, p2 + apart, s, r);
        const v3 = second<T, K>(u3, p3 + apart, s, r);
        q = v128.add<T>(q, sumOfFour<T>(v0, v1, v2, v3));
      }
      if (p === past && rest + odd > 0) {
        // A vector that is left over of each stream, and the vector that ends where the stream does (see sumRows).
        for (let stream: u32 = 0, at = past; stream < streams; stream++, at += far) {
          if (rest > 0) {
            const u = firstTerm<T, K>(v128.load(at), s);
            a = v128.add<T>(a, u);
            q = v128.add<T>(q, second<T, K>(u, at + apart, s, r));
          }
          if (odd > 0) {
            const last = at + rest + odd * sizeof<T>() - 16;
            const u = firstTerm<T, K>(v128.load(last), s);
            a = v128.add<T>(a, v128.and(u, mask));
            q = v128.add<T>(q, v128.and(second<T, K>(u, last + apart, s, r), mask));
          }
        }
      }
      addRuns<T>(entry, a, q, opens && p <= start + RUN * step);
    } while (p < past);
  }
}

/** Adds both runs to the entry of a channel, or, if they open it, makes them the entry. */
function addRuns<T>(entry: usize, a: v128, q: v128, opens: bool): void {
  if (opens) {
    v128.store(entry, sizeof<T>() === 4 ? widen(zero(), a) : a);
    v128.store(entry, sizeof<T>() === 4 ? widen(zero(), q) : q, 16);
    if (sizeof<T>() === 4) return;
    v128.store(entry, zero(), 32);
    v128.store(entry, zero(), 48);
  } else if (sizeof<T>() === 4) {
    v128.store(entry, widen(v128.load(entry), a));
    v128.store(entry, widen(v128.load(entry, 16), q), 16);
  } else {
    addCompensated(entry, a, 32);
    addCompensated(entry + 16, q, 32);
  }
}
