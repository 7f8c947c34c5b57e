/** Lanes, tails and compensated addition, which every kernel uses. A T is f32 or f64. */

export function finite(x: f64): bool {
  return x - x === 0;
}

export function zero(): v128 {
  return i64x2(0, 0);
}

/** A mask of all ones in the last `count` lanes; count < lanes. */
export function lastLanes<T>(count: u32): v128 {
  if (sizeof<T>() === 8) return i64x2(0, -1);
  return v128.lt<i32>(i32x4(3, 2, 1, 0), i32x4.splat(count));
}

const FIRST: usize = memory.data<u64>([-1, -1, 0, 0], 16);

/** A mask of all ones in the first `count` bytes; count <= 16. */
export function firstBytes(count: usize): v128 {
  return v128.load(FIRST + 16 - count);
}

/** The `count` < lanes elements at p, with zeros in the other lanes. Nothing past the elements is read. */
export function loadTail<T>(p: usize, count: u32): v128 {
  if (sizeof<T>() === 8) return v128.load_zero<f64>(p);
  if (count === 1) return v128.load_zero<f32>(p);
  const two = v128.load_zero<f64>(p);
  return count === 2 ? two : v128.load_lane<f32>(p, two, 2, 8);
}

export function storeTail<T>(p: usize, v: v128, count: u32): void {
  if (sizeof<T>() === 8) v128.store_lane<f64>(p, v, 0);
  else if (count === 1) v128.store_lane<f32>(p, v, 0);
  else {
    v128.store_lane<f64>(p, v, 0);
    if (count === 3) v128.store_lane<f32>(p, v, 2, 8);
  }
}

/** The upper half of four f32, moved to the lower half. */
export function upper(v: v128): v128 {
  return v128.shuffle<i64>(v, v, 1, 1);
}

/** Two f64 sums plus four f32. The float32 kernels' short runs end here. */
export function widen(sums: v128, run: v128): v128 {
  return f64x2.add(f64x2.add(sums, f64x2.promote_low_f32x4(run)), f64x2.promote_low_f32x4(upper(run)));
}

/** The rounding error of total = sum + term, exactly (Knuth's two-sum). */
export function lost(sum: v128, term: v128, total: v128): v128 {
  const part = f64x2.sub(total, sum);
  return f64x2.add(f64x2.sub(sum, f64x2.sub(total, part)), f64x2.sub(term, part));
}

/** Reads two elements as f64. */
export function pair<T>(p: usize): v128 {
  if (sizeof<T>() === 8) return v128.load(p);
  return f64x2.promote_low_f32x4(v128.load_zero<f64>(p));
}

/** Rounds two f64 to the dtype and stores them as two elements. */
export function storePair<T>(p: usize, v: v128): void {
  if (sizeof<T>() === 8) v128.store(p, v);
  else v128.store_lane<f64>(p, f32x4.demote_f64x2_zero(v), 0);
}

/** sum + rest if the sum is finite; an infinite sum has no rounding error. */
export function regain(sum: v128, rest: v128): v128 {
  return v128.bitselect(f64x2.add(sum, rest), sum, f64x2.eq(f64x2.sub(sum, sum), zero()));
}

export function lostOf(sum: f64, term: f64, total: f64): f64 {
  const part = total - sum;
  return sum - (total - part) + (term - part);
}
