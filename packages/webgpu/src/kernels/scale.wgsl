// y = x * gamma [+ beta] (K-5, N-8). The input is x and the output is y. IN_PLACE: y is x.
#include params
#include map

@group(0) @binding(2) var<storage, read> gamma: array<Coef>;
#if BETA
@group(0) @binding(3) var<storage, read> beta: array<Coef>;
#endif
@group(0) @binding(4) var<storage, read_write> output: array<Value>;

struct Coefs {
  gamma: Coef,
  beta: Coef,
}

fn coefs(c: u32) -> Coefs {
  var k = Coefs(gamma[c], Coef(0.0));
#if BETA
  k.beta = beta[c];
#endif
  return k;
}

fn plain(v: Value, at: u32, k: Coefs) -> Value {
#if BETA
  return v * k.gamma + k.beta;
#else
  return v * k.gamma;
#endif
}

// One product and one sum overflow only if the result does, so there is nothing to note.
alias Note = u32;
const NOTHING: Note = 0u;

fn noted(note: Note, at: u32, sum: f32) -> Note {
  return note;
}

fn isKept(note: Note) -> bool {
  return true;
}

fn anyLost(note: Note) -> bool {
  return false;
}

fn mend(note: Note, at: u32, j: u32, k: Coefs) {}
