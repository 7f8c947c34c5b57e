// A map whose result is finite wherever it should be. The kernel gives `plain(at, k)`, the result of a unit, `careful(at, j,
// c)`, that of its value `j` by wide arithmetic, and `put(at, v)`; `Operands` have a member `channel`. What plain arithmetic
// could not hold is infinite or NaN, or was made NaN by `unlessTiny`, so that a look at the exponents tells it.
fn apply(at: u32, k: Operands) {
  var v = plain(at, k);
  if (!isHeld(v)) {
#if VEC4
    for (var j = 0u; j < 4u; j += 1u) {
#if COEF4
      v[j] = careful(at, j, k.channel * 4u + j);
#else
      v[j] = careful(at, j, k.channel);
#endif
    }
#else
    v = careful(at, 0u, k.channel);
#endif
  }
  put(at, v);
}

fn isHeld(v: Value) -> bool {
#if VEC4
  let bits = bitcast<vec4u>(v) & vec4u(0x7f800000u);
  return max(max(bits.x, bits.y), max(bits.z, bits.w)) < 0x7f800000u;
#else
  return (bitcast<u32>(v) & 0x7f800000u) < 0x7f800000u;
#endif
}

fn one(v: Value, j: u32) -> f32 {
#if VEC4
  return v[j];
#else
  return v;
#endif
}

// Operand `c` of a channel.
#if COEF4
fn ofChannel(v: Coef, c: u32) -> f32 {
  return v[c % 4u];
}

fn quad(c: u32) -> u32 {
  return c / 4u;
}
#else
fn ofChannel(v: Coef, c: u32) -> f32 {
  return v;
}

fn quad(c: u32) -> u32 {
  return c;
}
#endif

// `value`, or NaN where what it was made of, `tiny`, has lost digits to underflow although `whole` is not 0.
fn unlessTiny(value: Coef, tiny: Coef, whole: Coef) -> Coef {
  let vanished = (abs(tiny) < Coef(0x1p-120)) & (whole != Coef(0.0));
  return select(value, Coef(bitcast<f32>(0x7fc00000u | p.channels)), vanished);
}
