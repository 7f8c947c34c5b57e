// A map whose result is finite wherever it should be. The kernel defines `plain(at, k)`, the result of a unit;
// `careful(at, j, channel, k)`, the result of the unit's value `j` by wide arithmetic; `put(at, v)` and `stored(at)`.
// A result that plain arithmetic could not represent is infinite or NaN, or `unlessTiny` made it NaN, so the exponents
// show it. The exponent of a sum of results shows it too; if only the sum overflows, no result is recomputed.
#if IN_PLACE
// The first unit of the thread that may be lost. It and all that follow are left unchanged, as the input of `mend`.
alias Note = u32;
const NOTHING: Note = 0xffffffffu;

fn keep(note: Note, at: u32, v: Value) -> Note {
  let first = select(at, note, (at >= note) | isHeld(total(v)));
  if (at < first) {
    put(at, v);
  }
  return first;
}

fn anyLost(note: Note) -> bool {
  return note != NOTHING;
}

fn mend(note: Note, at: u32, channel: u32, k: Operands) {
  if (at >= note) {
    let v = plain(at, k);
    if (areHeld(v)) {
      put(at, v);
    } else {
      recompute(at, channel, k);
    }
  }
}
#else
// The sum of the results, which is infinite or NaN once one of them is.
alias Note = f32;
const NOTHING: Note = 0.0;

fn keep(note: Note, at: u32, v: Value) -> Note {
  put(at, v);
  return note + total(v);
}

fn anyLost(note: Note) -> bool {
  return !isHeld(note);
}

fn mend(note: Note, at: u32, channel: u32, k: Operands) {
  if (!areHeld(stored(at))) {
    recompute(at, channel, k);
  }
}
#endif

fn total(v: Value) -> f32 {
#if VEC4
  return (v.x + v.y) + (v.z + v.w);
#else
  return v;
#endif
}

fn isHeld(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7f800000u) < 0x7f800000u;
}

fn areHeld(v: Value) -> bool {
#if VEC4
  let bits = bitcast<vec4u>(v) & vec4u(0x7f800000u);
  return max(max(bits.x, bits.y), max(bits.z, bits.w)) < 0x7f800000u;
#else
  return isHeld(v);
#endif
}

fn recompute(at: u32, channel: u32, k: Operands) {
  var v = Value();
#if VEC4
  for (var j = 0u; j < 4u; j += 1u) {
    v[j] = careful(at, j, channel, k);
  }
#else
  v = careful(at, 0u, channel, k);
#endif
  put(at, v);
}

fn one(v: Value, j: u32) -> f32 {
#if VEC4
  return v[j];
#else
  return v;
#endif
}

// The operand for value `j` of a unit.
fn operandOf(v: Coef, j: u32) -> f32 {
#if COEF4
  return v[j];
#else
  return v;
#endif
}

// Returns `value`, or NaN if its factor `tiny` has lost digits to underflow although `whole` is not 0.
fn unlessTiny(value: Coef, tiny: Coef, whole: Coef) -> Coef {
  let vanished = (abs(tiny) < Coef(0x1p-120)) & (whole != Coef(0.0));
  return select(value, Coef(bitcast<f32>(0x7fc00000u | p.channels)), vanished);
}
