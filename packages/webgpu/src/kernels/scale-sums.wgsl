// With D_GAMMA, adds sum dy * x of each channel to dGamma; with D_BETA, adds sum dy to dBeta (K-6). The input is dy.
#include params
#include unit
#include float
#include wide
#include reduce
#include alarm
#include again
#include parts
#include sums
#include sums-steps
#include entry

#if D_GAMMA
@group(0) @binding(2) var<storage, read> x: array<Value>;
@group(0) @binding(3) var<storage, read_write> dGamma: array<Coef>;
#endif
#if D_BETA
@group(0) @binding(4) var<storage, read_write> dBeta: array<Coef>;
#endif

alias Operands = Sums; // unused

fn operands(c: u32) -> Operands {
  return Operands();
}

fn term(at: u32, k: Operands) -> Pair {
  let g = unit(at);
#if D_GAMMA
  return Pair(g, g * (x[at] * BIAS));
#else
  return Pair(g, Value(0.0));
#endif
}

fn terms(at: u32, j: u32, k: Operands) -> WidePair {
  let g = wide(one(unit(at), j));
#if D_GAMMA
  return WidePair(g, times(g, wide(one(x[at], j))));
#else
  return WidePair(g, Wide(0.0, ZERO_EXPONENT));
#endif
}

fn store(c: u32, sums: Sums) {
#if D_GAMMA
  dGamma[c] += sums[1];
#endif
#if D_BETA
  dBeta[c] += sums[0];
#endif
}
