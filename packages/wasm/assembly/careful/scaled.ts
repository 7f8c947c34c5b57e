/** Numbers with an exponent beside them: what is computed of them neither overflows nor underflows on the way. */

/** The exponent of 0: below all others, and no sum with another leaves 32 bits. */
const NOTHING: i32 = -100000;

/** e with 2^(e - 1) <= |x| < 2^e; x is finite. */
export function exponentOf(x: f64): i32 {
  if (x === 0) return NOTHING;
  let e = i32((reinterpret<u64>(x) >> 52) & 0x7ff);
  if (e !== 0) return e - 1022;
  e = i32((reinterpret<u64>(x * 18446744073709552000.0) >> 52) & 0x7ff); // subnormal: times 2^64
  return e - 1022 - 64;
}

/** x * 2^e, rounded where that is subnormal. In three steps: a power of two may lie beyond what a number can be. */
export function scaleBy(x: f64, e: i32): f64 {
  e = max(min(e, 3000), -3000);
  const step = e / 3;
  const factor = powerOfTwo(step);
  return x * factor * factor * powerOfTwo(e - 2 * step);
}

/** |e| <= 1002. */
function powerOfTwo(e: i32): f64 {
  return reinterpret<f64>(u64(e + 1023) << 52);
}
