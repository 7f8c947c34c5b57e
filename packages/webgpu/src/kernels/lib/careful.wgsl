// A map whose result is finite wherever it should be. The kernel defines `careful(v, at, j, k)`, the result of the value `j`
// of unit `at`, whose input is v, by wide arithmetic.
// A result that plain arithmetic could not represent is infinite or NaN, or `unlessTiny` made it NaN, so the exponents
// show it. The exponent of a sum of results shows it too; if only the sum overflows, no result is recomputed.
#if IN_PLACE
// The first unit of the thread that may be lost. It and all that follow are left unchanged, as the input of `mend`.
alias Note = u32;
const NOTHING: Note = 0xffffffffu;

fn noted(note: Note, at: u32, sum: f32) -> Note {
  return select(note, at, isKept(note) & !isHeld(sum));
}

fn isKept(note: Note) -> bool {
  return note == NOTHING;
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

fn isKept(note: Note) -> bool {
  return true;
}

fn anyLost(note: Note) -> bool {
  return !isHeld(note);
}
#endif

fn valueOf(at: u32, j: u32) -> f32 {
#if VEC4
#if IN_PLACE
  return output[at][j];
#else
  return input[at][j];
#endif
#else
  return unit(at);
#endif
}

// `careful` comes first. The other way round, SwiftShader's compiler keeps other values in registers during the loop before, and
// normalize takes 3 % more instructions.
fn mend(note: Note, at: u32, j: u32, k: Coefs) {
#if IN_PLACE
  if (at < note) {
    return;
  }
#endif
  let v = valueOf(at, j);
  let right = careful(v, at, j, k);
  let easy = one(plain(Value(v), at, k), j);
  let value = select(right, easy, isHeld(easy));
#if VEC4
  output[at][j] = value;
#else
  output[at] = value;
#endif
}

fn isHeld(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7f800000u) != 0x7f800000u;
}

// Returns `value`, or NaN if its factor `tiny` has lost digits to underflow although `whole` is not 0.
fn unlessTiny(value: Coef, tiny: Coef, whole: Coef) -> Coef {
  let vanished = (abs(tiny) < Coef(0x1p-120)) & (whole != Coef(0.0));
  return select(value, Coef(bitcast<f32>(0x7fc00000u | p.channels)), vanished);
}
