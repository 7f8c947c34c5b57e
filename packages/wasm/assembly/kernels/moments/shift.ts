/**
 * Chooses a number of few bits near the mean of each channel, which is subtracted before anything is summed. Then
 * neither sum cancels, and sums of numbers of few bits stay exact.
 *
 * p = the channel's first value
 * d = the mean of x - p, most = the largest |x - p|, over some values, spread evenly over the channel
 *   shift = p + (d rounded to a multiple of 2^(exponent of most - BITS))
 *
 * If all values are multiples of a unit that is small beside their spread, so is the shift. If the unit is larger than
 * that, differences from the shift need at most BITS more bits than the values' own distances. A shift that is NaN or
 * infinite makes the sums so too, and the careful kernel takes them again.
 *
 * The mean of 16 values is typically 0.25 standard deviations from the channel's mean, that of 32 values 0.18, and that of
 * 128 values 0.09; rounding adds some 0.1. The shift may be off by 0.77 (finish.ts) before the sums are computed again.
 */
import { job } from "../../job";
import { channelsOfTile, isColumnPerChannel } from "../../plan/columns";
import { count, OWN, PROBES, TABLE, table } from "../../shape";
import { storeTail, zero } from "../../vector";

/**
 * The number of values of a channel that are sampled. It is low for small channels, where sampling costs more than an
 * occasional second pass: of one channel in 300 with 16 values. Columns are summed again in blocks of 16 channels, so
 * they sample more.
 */
function valuesOfPlanes(): u32 {
  const m = count();
  return m < 4096 ? 16 : m < 16384 ? 32 : 128;
}

function valuesOfColumns(): u32 {
  const m = count();
  return m < 256 ? 16 : m < 16384 ? 32 : 128;
}

/** The bits of the spread that a shift keeps. */
const BITS: u32 = 3;
/**
 * Added to the exponent of `most` as an integer, they give 1.5 * 2^(e + bits of the dtype's fraction - BITS), whose unit
 * in the last place is the multiple that is rounded to.
 */
const UP_32: u32 = ((23 - BITS) << 23) | 0x400000;
const UP_64: u64 = (u64(52 - BITS) << 52) | 0x8000000000000;

/**
 * d rounded to a multiple of 2^(exponent of most - BITS), as the addition of a much larger number does. If d is the larger
 * number, it stays as it is.
 */
export function coarse<T>(d: v128, most: v128): v128 {
  const large =
    sizeof<T>() === 4
      ? i32x4.add(v128.and(most, i32x4.splat(0x7f800000)), i32x4.splat(UP_32))
      : i64x2.add(v128.and(most, i64x2.splat(0x7ff0000000000000)), i64x2.splat(UP_64));
  return v128.sub<T>(v128.add<T>(d, large), large);
}

// ---- planes

/**
 * Computes the offsets of the probes from the first element of a channel. Each probe is a vector of a row. The offsets
 * are the same in all channels.
 */
export function planProbes<T>(): void {
  const lanes: u32 = 16 / sizeof<T>();
  const m = count();
  const probes = min(valuesOfPlanes(), m) / lanes;
  const step = m / probes;
  job.probes = probes;
  for (let i: u32 = 0; i < probes; i++) {
    const row = (i * step) / job.inner;
    const column = min(i * step - row * job.inner, job.inner - lanes);
    store<u32>(table(PROBES) + i * 4, (row * job.channels * job.inner + column) * sizeof<T>());
  }
}

/**
 * Writes the shifts of channels [first, last) to table 0, for as many channels at a time as a vector has lanes. After the
 * last channel, lanes repeat it.
 */
export function shiftsOfPlanes<T>(first: u32, last: u32): void {
  const lanes: u32 = 16 / sizeof<T>();
  const offsets = table(PROBES);
  const end = offsets + job.probes * 4;
  const inverse = v128.splat<T>(<T>(1 / f64(job.probes * lanes)));
  const plane = job.inner * sizeof<T>();
  let x = job.x + first * plane;
  for (let channel = first; channel < last; channel += lanes, x += lanes * plane) {
    const n = min(last - channel, lanes);
    const x1 = x + min(1, n - 1) * plane;
    const x2 = x + min(2, n - 1) * plane;
    const x3 = x + (n - 1) * plane;
    const p0 = v128.load_splat<T>(x);
    const p1 = v128.load_splat<T>(x1);
    const p2 = v128.load_splat<T>(x2);
    const p3 = v128.load_splat<T>(x3);
    let s0 = zero();
    let s1 = zero();
    let s2 = zero();
    let s3 = zero();
    let most0 = zero();
    let most1 = zero();
    let most2 = zero();
    let most3 = zero();
    for (let at = offsets; at < end; at += 4) {
      const probe: usize = load<u32>(at);
      const u0 = v128.sub<T>(v128.load(x + probe), p0);
      const u1 = v128.sub<T>(v128.load(x1 + probe), p1);
      s0 = v128.add<T>(s0, u0);
      s1 = v128.add<T>(s1, u1);
      most0 = v128.pmax<T>(most0, v128.abs<T>(u0));
      most1 = v128.pmax<T>(most1, v128.abs<T>(u1));
      if (sizeof<T>() === 8) continue;
      const u2 = v128.sub<T>(v128.load(x2 + probe), p2);
      const u3 = v128.sub<T>(v128.load(x3 + probe), p3);
      s2 = v128.add<T>(s2, u2);
      s3 = v128.add<T>(s3, u3);
      most2 = v128.pmax<T>(most2, v128.abs<T>(u2));
      most3 = v128.pmax<T>(most3, v128.abs<T>(u3));
    }
    const pivot = firsts<T>(lowPairs<T>(p0, p1), lowPairs<T>(p2, p3));
    const mean = v128.mul<T>(sumOfEach<T>(s0, s1, s2, s3), inverse);
    const shift = v128.add<T>(pivot, coarse<T>(mean, mostOfEach<T>(most0, most1, most2, most3)));
    const into = table(0) + (channel - job.first) * sizeof<T>();
    if (n === lanes) v128.store(into, shift);
    else storeTail<T>(into, shift, n);
  }
}

// The vectors of four channels of float32, or of two of float64, are turned so that each lane is a channel: first lanes
// of pairs of channels, then of all. A pair of float64 is all of them.

function lowPairs<T>(v: v128, other: v128): v128 {
  return sizeof<T>() === 8 ? v128.shuffle<i64>(v, other, 0, 2) : v128.shuffle<i32>(v, other, 0, 4, 1, 5);
}

function highPairs<T>(v: v128, other: v128): v128 {
  return sizeof<T>() === 8 ? v128.shuffle<i64>(v, other, 1, 3) : v128.shuffle<i32>(v, other, 2, 6, 3, 7);
}

function firsts<T>(pairs: v128, others: v128): v128 {
  return sizeof<T>() === 8 ? pairs : v128.shuffle<i64>(pairs, others, 0, 2);
}

function seconds(pairs: v128, others: v128): v128 {
  return v128.shuffle<i64>(pairs, others, 1, 3);
}

/** The sum of the lanes of each vector. */
function sumOfEach<T>(v0: v128, v1: v128, v2: v128, v3: v128): v128 {
  const pairs = v128.add<T>(lowPairs<T>(v0, v1), highPairs<T>(v0, v1));
  if (sizeof<T>() === 8) return pairs;
  const others = v128.add<T>(lowPairs<T>(v2, v3), highPairs<T>(v2, v3));
  return v128.add<T>(firsts<T>(pairs, others), seconds(pairs, others));
}

/** The greatest lane of each vector. */
function mostOfEach<T>(v0: v128, v1: v128, v2: v128, v3: v128): v128 {
  const pairs = v128.pmax<T>(lowPairs<T>(v0, v1), highPairs<T>(v0, v1));
  if (sizeof<T>() === 8) return pairs;
  const others = v128.pmax<T>(lowPairs<T>(v2, v3), highPairs<T>(v2, v3));
  return v128.pmax<T>(firsts<T>(pairs, others), seconds(pairs, others));
}

// ---- columns

/** The least number of rows that are sampled if there are many columns. */
const LEAST_ROWS: u32 = 4;

/**
 * Writes the shifts of the channels of blocks [block, past) to their table. If a channel has several columns, until then
 * table 0 holds the means of their differences from the first row, and table 1 the largest of those differences.
 */
export function shiftsOfBlocks<T>(block: u32, past: u32): void {
  const x = job.x + job.firstColumn * sizeof<T>();
  if (job.rows === 0) {
    for (let i: u32 = 0; i < channelsOfTile(); i++)
      store<T>(table(OWN) + i * sizeof<T>(), load<T>(x + i * job.inner * sizeof<T>()));
    return;
  }
  const perRow = job.inner * job.fold;
  const probes = min(job.rows, max((valuesOfColumns() + perRow - 1) / perRow, LEAST_ROWS));
  // The rows are an odd number apart, because rows a power of two apart share few of the cache's sets.
  const step = ((job.rows / probes - 1) | 1) * job.stride;
  const last = job.columns * sizeof<T>() - 64; // a row is at least as long as a line
  const inverse = v128.splat<T>(<T>(1 / f64(probes)));
  for (; block < past; block++) {
    const at = min(block * 64, last);
    shiftsOfBlock<T>(x + at, step, probes, inverse, at);
  }
  if (!isColumnPerChannel()) joinShifts<T>();
}

/** Samples 64 bytes of columns. */
function shiftsOfBlock<T>(from: usize, step: usize, probes: u32, inverse: v128, at: usize): void {
  const p0 = v128.load(from);
  const p1 = v128.load(from, 16);
  const p2 = v128.load(from, 32);
  const p3 = v128.load(from, 48);
  let d0 = zero();
  let d1 = zero();
  let d2 = zero();
  let d3 = zero();
  let most0 = zero();
  let most1 = zero();
  let most2 = zero();
  let most3 = zero();
  for (let p = from, past = from + probes * step; p !== past; p += step) {
    const u0 = v128.sub<T>(v128.load(p), p0);
    const u1 = v128.sub<T>(v128.load(p, 16), p1);
    const u2 = v128.sub<T>(v128.load(p, 32), p2);
    const u3 = v128.sub<T>(v128.load(p, 48), p3);
    d0 = v128.add<T>(d0, u0);
    d1 = v128.add<T>(d1, u1);
    d2 = v128.add<T>(d2, u2);
    d3 = v128.add<T>(d3, u3);
    most0 = v128.pmax<T>(most0, v128.abs<T>(u0));
    most1 = v128.pmax<T>(most1, v128.abs<T>(u1));
    most2 = v128.pmax<T>(most2, v128.abs<T>(u2));
    most3 = v128.pmax<T>(most3, v128.abs<T>(u3));
  }
  d0 = v128.mul<T>(d0, inverse);
  d1 = v128.mul<T>(d1, inverse);
  d2 = v128.mul<T>(d2, inverse);
  d3 = v128.mul<T>(d3, inverse);
  if (isColumnPerChannel()) {
    const own = table(0) + at;
    v128.store(own, v128.add<T>(p0, coarse<T>(d0, most0)));
    v128.store(own, v128.add<T>(p1, coarse<T>(d1, most1)), 16);
    v128.store(own, v128.add<T>(p2, coarse<T>(d2, most2)), 32);
    v128.store(own, v128.add<T>(p3, coarse<T>(d3, most3)), 48);
    return;
  }
  const into = table(0) + at;
  v128.store(into, d0);
  v128.store(into, d1, 16);
  v128.store(into, d2, 32);
  v128.store(into, d3, 48);
  v128.store(into, most0, TABLE);
  v128.store(into, most1, TABLE + 16);
  v128.store(into, most2, TABLE + 32);
  v128.store(into, most3, TABLE + 48);
}

/** Joins what was found of a channel's columns: their first values may differ from the channel's first value. */
function joinShifts<T>(): void {
  const x = job.x + job.firstColumn * sizeof<T>();
  const inner = job.inner;
  const width = channelsOfTile() * inner;
  const columns = job.fold * width;
  const inverse = <T>(1 / f64(inner * job.fold));
  for (let column: u32 = 0; column < width; column += inner) {
    const pivot = load<T>(x + column * sizeof<T>());
    let sum: T = 0;
    let most: T = 0;
    for (let row = column; row < columns; row += width) {
      for (let c = row * sizeof<T>(), end = c + inner * sizeof<T>(); c < end; c += sizeof<T>()) {
        const u = load<T>(x + c) - pivot;
        sum += load<T>(table(0) + c) + u;
        most = max<T>(most, load<T>(table(1) + c) + abs<T>(u));
      }
    }
    const shift = pivot + v128.extract_lane<T>(coarse<T>(v128.splat<T>(sum * inverse), v128.splat<T>(most)), 0);
    store<T>(table(OWN) + (column / inner) * sizeof<T>(), shift);
  }
}
