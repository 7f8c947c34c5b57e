// A map whose result is finite wherever it should be. The kernel defines `plain(input, k)`, the result of a unit;
// `careful(input, j, k)`, the result of the unit's value `j` by wide arithmetic; and `put(at, v)`.
// A result that plain arithmetic could not represent is infinite or NaN, or `unlessTiny` made it NaN, so the exponents
// show it. The exponent of a sum of results shows it too; if only the sum overflows, no result is recomputed.
#include values

#if IN_PLACE
// The first unit of the thread that may be lost. It and all that follow are left unchanged, as the input of `mend`.
alias Note = u32;
const NOTHING: Note = 0xffffffffu;

fn noted(note: Note, at: u32, sum: f32) -> Note {
  return select(at, note, (at >= note) | isHeld(sum));
}

fn isKept(note: Note, at: u32) -> bool {
  return at < note;
}

fn anyLost(note: Note) -> bool {
  return note != NOTHING;
}
#else
// The sum of the results, which is infinite or NaN once one of them is.
alias Note = f32;
const NOTHING: Note = 0.0;

fn noted(note: Note, at: u32, sum: f32) -> Note {
  return note + sum;
}

fn isKept(note: Note, at: u32) -> bool {
  return true;
}

fn anyLost(note: Note) -> bool {
  return !isHeld(note);
}
#endif

fn mend(note: Note, at: u32, k: Operands) {
#if IN_PLACE
  if (isKept(note, at)) {
    return;
  }
#endif
  let v = input(at);
  var result = plain(v, k);
  if (!areHeld(result)) {
#if VEC4
    for (var j = 0u; j < 4u; j += 1u) {
      result[j] = careful(v, j, k);
    }
#else
    result = careful(v, 0u, k);
#endif
  }
  put(at, result);
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

// Returns `value`, or NaN if its factor `tiny` has lost digits to underflow although `whole` is not 0.
fn unlessTiny(value: Coef, tiny: Coef, whole: Coef) -> Coef {
  let vanished = (abs(tiny) < Coef(0x1p-120)) & (whole != Coef(0.0));
  return select(value, Coef(bitcast<f32>(0x7fc00000u | p.channels)), vanished);
}
