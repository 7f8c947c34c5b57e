/**
 * Chooses a value of each channel near its mean, which is subtracted before anything is summed. Then neither sum
 * cancels, and sums of numbers of few bits stay exact.
 *
 * mean of some values, spread evenly over the channel
 *   shift = the sampled value that is nearest to that mean
 *
 * A NaN or infinity is never nearer than the first value. The mean of 16 values is typically 0.25 standard deviations
 * from the channel's mean, that of 32 values 0.18, and that of 128 values 0.09. It may be off by 0.77 (finish.ts) before
 * the sums are computed again.
 */
import { job, run } from "../../job";
import { bytesOfTile, channelsOfTile, isColumnPerChannel } from "../../plan/columns";
import { count, OWN, PROBES, TABLE, table } from "../../shape";
import { storeTail, zero } from "../../vector";

/**
 * The number of values of a channel that are sampled. It is low for small channels, where sampling costs more than an
 * occasional second pass. Columns are summed again in blocks of 16 channels, so they sample more: with 16 values, one
 * block in ten was summed twice, a fifth of the time of [64, 4096].
 */
function values(few: u32): u32 {
  const m = count();
  return m < few ? 16 : m < 16384 ? 32 : 128;
}

// ---- planes

/**
 * Computes the offsets of the probes from the first element of a channel. Each probe is a vector of a row. The offsets
 * are the same in all channels.
 */
export function planProbes<T>(): void {
  const lanes: u32 = 16 / sizeof<T>();
  const m = count();
  const probes = min(values(1024), m) / lanes;
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
    for (let at = offsets; at < end; at += 4) {
      const probe: usize = load<u32>(at);
      s0 = v128.add<T>(s0, v128.sub<T>(v128.load(x + probe), p0));
      s1 = v128.add<T>(s1, v128.sub<T>(v128.load(x1 + probe), p1));
      if (sizeof<T>() === 8) continue;
      s2 = v128.add<T>(s2, v128.sub<T>(v128.load(x2 + probe), p2));
      s3 = v128.add<T>(s3, v128.sub<T>(v128.load(x3 + probe), p3));
    }
    const pivot = firsts<T>(lowPairs<T>(p0, p1), lowPairs<T>(p2, p3));
    const mean = v128.add<T>(pivot, v128.mul<T>(sumOfEach<T>(s0, s1, s2, s3), inverse));
    let best = pivot;
    let nearest = v128.abs<T>(v128.sub<T>(pivot, mean));
    for (let at = offsets; at < end; at += 4) {
      const probe: usize = load<u32>(at);
      const v0 = v128.load(x + probe);
      const v1 = v128.load(x1 + probe);
      const v2 = sizeof<T>() === 8 ? v0 : v128.load(x2 + probe);
      const v3 = sizeof<T>() === 8 ? v1 : v128.load(x3 + probe);
      const low = lowPairs<T>(v0, v1);
      const lowOfOthers = lowPairs<T>(v2, v3);
      const high = highPairs<T>(v0, v1);
      const highOfOthers = highPairs<T>(v2, v3);
      let value = firsts<T>(low, lowOfOthers);
      let distance = v128.abs<T>(v128.sub<T>(value, mean));
      best = v128.bitselect(value, best, v128.lt<T>(distance, nearest));
      nearest = v128.pmin<T>(nearest, distance);
      value = firsts<T>(high, highOfOthers);
      distance = v128.abs<T>(v128.sub<T>(value, mean));
      best = v128.bitselect(value, best, v128.lt<T>(distance, nearest));
      nearest = v128.pmin<T>(nearest, distance);
      if (sizeof<T>() === 8) continue;
      value = seconds(low, lowOfOthers);
      distance = v128.abs<T>(v128.sub<T>(value, mean));
      best = v128.bitselect(value, best, v128.lt<T>(distance, nearest));
      nearest = v128.pmin<T>(nearest, distance);
      value = seconds(high, highOfOthers);
      distance = v128.abs<T>(v128.sub<T>(value, mean));
      best = v128.bitselect(value, best, v128.lt<T>(distance, nearest));
      nearest = v128.pmin<T>(nearest, distance);
    }
    const into = table(0) + (channel - job.first) * sizeof<T>();
    if (n === lanes) v128.store(into, best);
    else storeTail<T>(into, best, n);
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

// ---- columns

/**
 * The number of values of a channel among which the nearest is searched, and the least number of rows if there are many
 * columns.
 */
const CANDIDATES: u32 = 16;
const LEAST_ROWS: u32 = 4;
/** The bytes of the columns per item. */
const SPAN: u32 = 1024;

/**
 * Writes the shifts of the tile's channels to table OWN. Until then table 0 holds the shifts of their columns, and
 * table 1 the columns' means.
 */
export function shiftsOfColumns<T>(): void {
  const x = job.x + job.firstColumn * sizeof<T>();
  if (job.rows === 0) {
    for (let i: u32 = 0; i < channelsOfTile(); i++)
      store<T>(table(OWN) + i * sizeof<T>(), load<T>(x + i * job.inner * sizeof<T>()));
    return;
  }
  run((item: u32) => shiftsOfSpan<T>(item), max<u32>((job.columns * sizeof<T>()) / SPAN, 1), bytesOfTile<T>());
  if (!isColumnPerChannel()) joinShifts<T>();
}

/** Writes the shifts of SPAN bytes of columns; the last item also those that follow, as its last block may overlap. */
export function shiftsOfSpan<T>(item: u32): void {
  const x = job.x + job.firstColumn * sizeof<T>();
  const perRow = job.inner * job.fold;
  const probes = min(job.rows, max((values(64) + perRow - 1) / perRow, LEAST_ROWS));
  // The rows are an odd number apart, because rows a power of two apart share few of the cache's sets.
  const step = ((job.rows / probes - 1) | 1) * job.stride;
  const skip = max(probes / (isColumnPerChannel() ? CANDIDATES : LEAST_ROWS), 1);
  const bytes = job.columns * sizeof<T>();
  const into = table(isColumnPerChannel() ? OWN : 0);
  const inverse = v128.splat<T>(<T>(1 / f64(probes)));
  const from = item * SPAN;
  const end = bytes - from < 2 * SPAN ? bytes : from + SPAN;
  for (let column = from; column < end; column += 64) {
    const block = min(column, bytes - 64); // a row is at least as long as a line
    shiftsOfBlock<T>(x + block, step, probes, inverse, skip, into + block);
  }
}

/** The lowest bits of a distance, which hold the number of its candidate. There are fewer than twice CANDIDATES. */
const NUMBER: u32 = 2 * CANDIDATES - 1;
/** The other bits of an absolute value. */
const SIZE_32: u32 = (~NUMBER << 1) >> 1;
const SIZE_64: u64 = (~u64(NUMBER) << 1) >> 1;

/**
 * Stores the shifts of 64 bytes of columns, and the columns' means a table further on. A distance holds the number of
 * its candidate in its lowest bits, so that only the least distance has to be kept.
 */
function shiftsOfBlock<T>(from: usize, step: usize, probes: u32, inverse: v128, skip: u32, into: usize): void {
  const pivot0 = v128.load(from);
  const pivot1 = v128.load(from, 16);
  const pivot2 = v128.load(from, 32);
  const pivot3 = v128.load(from, 48);
  let mean0 = zero();
  let mean1 = zero();
  let mean2 = zero();
  let mean3 = zero();
  for (let p = from, past = from + probes * step; p !== past; p += step) {
    mean0 = v128.add<T>(mean0, v128.sub<T>(v128.load(p), pivot0));
    mean1 = v128.add<T>(mean1, v128.sub<T>(v128.load(p, 16), pivot1));
    mean2 = v128.add<T>(mean2, v128.sub<T>(v128.load(p, 32), pivot2));
    mean3 = v128.add<T>(mean3, v128.sub<T>(v128.load(p, 48), pivot3));
  }
  mean0 = v128.add<T>(pivot0, v128.mul<T>(mean0, inverse));
  mean1 = v128.add<T>(pivot1, v128.mul<T>(mean1, inverse));
  mean2 = v128.add<T>(pivot2, v128.mul<T>(mean2, inverse));
  mean3 = v128.add<T>(pivot3, v128.mul<T>(mean3, inverse));
  v128.store(into, mean0, TABLE);
  v128.store(into, mean1, TABLE + 16);
  v128.store(into, mean2, TABLE + 32);
  v128.store(into, mean3, TABLE + 48);
  // A mask from memory stays in a register, but V8 would build a constant again for each use.
  const bits = v128.load_splat<T>(sizeof<T>() === 4 ? memory.data<u32>([SIZE_32]) : memory.data<u64>([SIZE_64]));
  const one = sizeof<T>() === 4 ? i32x4.splat(1) : i64x2.splat(1);
  let number = zero();
  let nearest0 = distance<T>(pivot0, mean0, bits, number);
  let nearest1 = distance<T>(pivot1, mean1, bits, number);
  let nearest2 = distance<T>(pivot2, mean2, bits, number);
  let nearest3 = distance<T>(pivot3, mean3, bits, number);
  const pace = skip * step;
  for (let i = skip, p = from + pace; i < probes; i += skip, p += pace) {
    number = sizeof<T>() === 4 ? i32x4.add(number, one) : i64x2.add(number, one);
    nearest0 = v128.pmin<T>(nearest0, distance<T>(v128.load(p), mean0, bits, number));
    nearest1 = v128.pmin<T>(nearest1, distance<T>(v128.load(p, 16), mean1, bits, number));
    nearest2 = v128.pmin<T>(nearest2, distance<T>(v128.load(p, 32), mean2, bits, number));
    nearest3 = v128.pmin<T>(nearest3, distance<T>(v128.load(p, 48), mean3, bits, number));
  }
  v128.store(into, nearest0);
  v128.store(into, nearest1, 16);
  v128.store(into, nearest2, 32);
  v128.store(into, nearest3, 48);
  for (let at: usize = 0; at < 64; at += sizeof<T>())
    store<T>(into + at, load<T>(from + at + (load<u32>(into + at) & NUMBER) * pace));
}

/** |value - mean|, with a number in its lowest bits. */
function distance<T>(value: v128, mean: v128, bits: v128, number: v128): v128 {
  return v128.or(v128.and(v128.sub<T>(value, mean), bits), number);
}

/** Chooses, among the shifts of a channel's columns, the one that is nearest to the mean of their means. */
function joinShifts<T>(): void {
  const inner = job.inner;
  const width = channelsOfTile() * inner;
  const columns = job.fold * width;
  const inverse = <T>(1 / f64(inner * job.fold));
  for (let column: u32 = 0; column < width; column += inner) {
    const pivot = load<T>(table(1) + column * sizeof<T>());
    let sum: T = 0;
    for (let row = column; row < columns; row += width)
      for (let c = row; c < row + inner; c++) sum += load<T>(table(1) + c * sizeof<T>()) - pivot;
    const mean = pivot + sum * inverse;
    let best = load<T>(table(0) + column * sizeof<T>());
    let nearest = abs<T>(best - mean);
    for (let row = column; row < columns; row += width) {
      for (let c = row; c < row + inner; c++) {
        const value = load<T>(table(0) + c * sizeof<T>());
        const distance = abs<T>(value - mean);
        best = select<T>(value, best, distance < nearest);
        nearest = select<T>(distance, nearest, distance < nearest);
      }
    }
    store<T>(table(OWN) + (column / inner) * sizeof<T>(), best);
  }
}
