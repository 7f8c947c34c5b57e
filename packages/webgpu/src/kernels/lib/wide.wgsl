// Numbers without the limits of f32's exponent: m * 2^e. |m| is 1 or a little more or less, down to 2^-22 for a subnormal
// number. A zero has the least exponent, and an infinity or a NaN is kept in m. Wide numbers are used to recompute results
// that f32 could not hold. Each operation rounds once.
struct Wide {
  m: f32,
  e: i32,
}

const ZERO_EXPONENT = -100000;

// The bits say whether v is zero. A compiler may join the factor 2^127 with a constant factor of v to an infinity, and 0 times
// that is NaN. An NVIDIA driver did so with BIAS (lib/sums.wgsl) in channels whose variance is infinite.
fn wide(v: f32) -> Wide {
  let bits = bitcast<u32>(v);
  let e = i32((bits >> 23u) & 0xffu) - 127;
  let isNormal = (e != -127) & (e != 128);
  let m = select(v * 0x1p127, bitcast<f32>((bits & 0x807fffffu) | 0x3f800000u), isNormal);
  let isZero = ((bits & 0x7fffffffu) == 0u) | (m == 0.0);
  return Wide(select(m, 0.0, isZero), select(e, ZERO_EXPONENT, isZero));
}

// a - b, as a difference of quarters if it may overflow.
fn difference(a: f32, b: f32) -> Wide {
  let isLarge = (abs(a) > 0x1p126) | (abs(b) > 0x1p126);
  let d = wide(select(a, a * 0.25, isLarge) - select(b, b * 0.25, isLarge));
  return Wide(d.m, select(d.e, d.e + 2, isLarge));
}

// 2^e, -126 <= e <= 127. A product costs an emulator less than a shift.
fn power(e: i32) -> f32 {
  return bitcast<f32>(u32(e + 127) * 0x800000u);
}

// m * 2^e, e <= 0, or m * 2^-126 if that is less, which is negligible beside a number near 1.
fn lowered(m: f32, e: i32) -> f32 {
  return m * power(max(e, -126));
}

// Converts in two steps, which neither overflow nor underflow unless the result does.
fn narrow(v: Wide) -> f32 {
  let first = clamp(v.e, -126, 127);
  return (v.m * power(first)) * power(clamp(v.e - first, -126, 127));
}

fn times(a: Wide, b: Wide) -> Wide {
  return Wide(a.m * b.m, a.e + b.e);
}

fn plus(a: Wide, b: Wide) -> Wide {
  let e = max(a.e, b.e);
  let m = lowered(a.m, a.e - e) + lowered(b.m, b.e - e);
  return Wide(m, select(e, ZERO_EXPONENT, m == 0.0));
}

fn minus(a: Wide, b: Wide) -> Wide {
  return plus(a, Wide(-b.m, b.e));
}

struct WidePair {
  a: Wide,
  b: Wide,
}
