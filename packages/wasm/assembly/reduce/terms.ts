/**
 * Both reductions are two sums per channel, over all its elements:
 *
 *   Deviations (moments)           u = x - s      v = u * u                  c0 = s, a number near the channel's mean
 *   Products (gradSums, scaleSums) u = dy         v = dy * ((x - mean) p)    c0 = mean, c1 = p, the power of two next to r
 *
 * They are types, so that one source is compiled for each reduction. The size of the type is the number of tensors that
 * are read.
 */
@unmanaged
export class Deviations {
  x: u8;
}

@unmanaged
export class Products {
  dy: u8;
  x: u8;
}

export function operands<K>(): u32 {
  return offsetof<K>();
}

export function areDeviations<K>(): bool {
  return offsetof<K>() === 1;
}

/** The term u for a vector. */
export function first<T, K>(value: v128, c0: v128): v128 {
  return areDeviations<K>() ? v128.sub<T>(value, c0) : value;
}

/** The term v for a vector with this u, for products of the vector at x. */
export function second<T, K>(u: v128, x: usize, c0: v128, c1: v128): v128 {
  if (areDeviations<K>()) return v128.mul<T>(u, u);
  return v128.mul<T>(v128.mul<T>(v128.sub<T>(v128.load(x), c0), c1), u);
}

export function sumOfFour<T>(a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.add<T>(v128.add<T>(a, b), v128.add<T>(c, d));
}
