// A map whose result is finite wherever it should be. The kernel defines `plain(at, k)`, the result of a unit;
// `careful(at, j, c)`, the result of the unit's value `j` by wide arithmetic; `put(at, v)` and `stored(at)`. A result
// that plain arithmetic could not represent is infinite or NaN, or `unlessTiny` made it NaN, so the exponents show it.
#if IN_PLACE
// Bit n is set if unit n of the thread was left unchanged as the input of `mend`. A thread has at most 32 units
// (plan.ts).
alias Note = u32;

fn apply(note: Note, n: u32, at: u32, k: Operands) -> Note {
  let v = plain(at, k);
  if (isHeld(v)) {
    put(at, v);
    return note;
  }
  return note | (1u << n);
}

fn anyLost(note: Note) -> bool {
  return note != 0u;
}

fn isLost(note: Note, n: u32, at: u32) -> bool {
  return (note & (1u << n)) != 0u;
}
#else
// The sum of the results, which is infinite or NaN once one of them is. If only the sum overflows, no result is
// recomputed.
alias Note = Value;

fn apply(note: Note, n: u32, at: u32, k: Operands) -> Note {
  let v = plain(at, k);
  put(at, v);
  return note + v;
}

fn anyLost(note: Note) -> bool {
  return !isHeld(note);
}

fn isLost(note: Note, n: u32, at: u32) -> bool {
  return !isHeld(stored(at));
}
#endif

fn mend(at: u32, channel: u32) {
  var v = Value();
#if VEC4
  for (var j = 0u; j < 4u; j += 1u) {
#if COEF4
    v[j] = careful(at, j, channel * 4u + j);
#else
    v[j] = careful(at, j, channel);
#endif
  }
#else
  v = careful(at, 0u, channel);
#endif
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

// Returns `value`, or NaN if its factor `tiny` has lost digits to underflow although `whole` is not 0.
fn unlessTiny(value: Coef, tiny: Coef, whole: Coef) -> Coef {
  let vanished = (abs(tiny) < Coef(0x1p-120)) & (whole != Coef(0.0));
  return select(value, Coef(bitcast<f32>(0x7fc00000u | p.channels)), vanished);
}
