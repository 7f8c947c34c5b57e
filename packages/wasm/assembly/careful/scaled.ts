/** Numbers with a separate exponent, so that no intermediate result overflows or underflows. */

/** The exponent that stands for 0. It is below all others, and a sum of it with another exponent fits into 32 bits. */
const NOTHING: i32 = -100000;

/** The e with 2^(e - 1) <= |x| < 2^e, for a finite x. */
export function exponentOf(x: f64): i32 {
  if (x === 0) return NOTHING;
  let e = i32((reinterpret<u64>(x) >> 52) & 0x7ff);
  if (e !== 0) return e - 1022;
  e = i32((reinterpret<u64>(x * 18446744073709552000.0) >> 52) & 0x7ff); // subnormal: times 2^64
  return e - 1022 - 64;
}

/**
 * x * 2^e, rounded only if the result is subnormal. It takes three steps because 2^e itself may be beyond the range of
 * a number.
 */
export function scaleBy(x: f64, e: i32): f64 {
  e = max(min(e, 3000), -3000);
  const step = e / 3;
  const factor = powerOfTwo(step);
  return x * factor * factor * powerOfTwo(e - 2 * step);
}

/** 2^e for |e| <= 1002. */
function powerOfTwo(e: i32): f64 {
  return reinterpret<f64>(u64(e + 1023) << 52);
}
