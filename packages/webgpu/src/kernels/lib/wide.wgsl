// Numbers without the limits of f32's exponent: m * 2^e. |m| is 1 or a little more or less. A zero has the least
// exponent, and an infinity or a NaN is kept in m. Wide numbers are used to recompute results that f32 could not hold.
// Each operation rounds once.
struct Wide {
  m: f32,
  e: i32,
}

const ZERO_EXPONENT = -100000;

fn wide(v: f32) -> Wide {
  // Scales a subnormal number to a normal one, on adapters that keep subnormal numbers.
  let small = abs(v) < 0x1p-126;
  let bits = bitcast<u32>(select(v, v * 0x1p64, small));
  let field = i32((bits >> 23u) & 0xffu);
  let isZero = field == 0;
  let isFinite = field != 0xff;
  let m = bitcast<f32>((bits & 0x807fffffu) | 0x3f800000u);
  let e = select(0, field - select(127, 191, small), isFinite);
  return Wide(select(select(v, m, isFinite), 0.0, isZero), select(e, ZERO_EXPONENT, isZero));
}

// m * 2^e, or 0 if that is negligible compared with 1; e <= 0. Infinities and NaN are unchanged.
fn lowered(m: f32, e: i32) -> f32 {
  let low = m * bitcast<f32>(u32(max(e, -126) + 127) << 23u);
  return select(low, 0.0, e < -126 && abs(low) < 1.0);
}

// Converts in two steps, which neither overflow nor underflow unless the result does.
fn narrow(v: Wide) -> f32 {
  let first = clamp(v.e, -126, 127);
  let second = clamp(v.e - first, -126, 127);
  return (v.m * bitcast<f32>(u32(first + 127) << 23u)) * bitcast<f32>(u32(second + 127) << 23u);
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
