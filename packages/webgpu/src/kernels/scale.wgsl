// y = x * gamma [+ beta] (K-5, N-8). IN_PLACE: y is x.
#include params
#include map

#if !IN_PLACE
@group(0) @binding(1) var<storage, read> x: array<Value>;
#endif
@group(0) @binding(2) var<storage, read> gamma: array<Coef>;
#if BETA
@group(0) @binding(3) var<storage, read> beta: array<Coef>;
#endif
@group(0) @binding(4) var<storage, read_write> y: array<Value>;

struct Operands {
  gamma: Coef,
  beta: Coef,
}

fn operands(c: u32) -> Operands {
  var k = Operands(gamma[c], Coef(0.0));
#if BETA
  k.beta = beta[c];
#endif
  return k;
}

fn apply(note: Note, n: u32, at: u32, k: Operands) -> Note {
#if IN_PLACE
  let v = y[at];
#else
  let v = x[at];
#endif
#if BETA
  y[at] = v * k.gamma + k.beta;
#else
  y[at] = v * k.gamma;
#endif
  return note;
}

// One product and one sum overflow only if the result does.
alias Note = u32;

fn anyLost(note: Note) -> bool {
  return false;
}

fn isLost(note: Note, n: u32, at: u32) -> bool {
  return false;
}

fn mend(at: u32, channel: u32) {}
