// sum dy and sum dy * x^ of channels (K-3, N-5). With D_GAMMA or D_BETA they are also added to the gradients of gamma and beta. The
// input is dy.
#include float
#include inverse-root
#include wide
#include reduce
#include alarm
#include again
#include sums

@group(0) @binding(2) var<storage, read> x: array<Value>;
@group(0) @binding(3) var<storage, read> mean: array<Coef>;
@group(0) @binding(4) var<storage, read> variance: array<Coef>;
@group(0) @binding(5) var<storage, read_write> sumDy: array<Coef>;
@group(0) @binding(6) var<storage, read_write> sumDyXhat: array<Coef>;
#if D_GAMMA
@group(0) @binding(7) var<storage, read_write> dGamma: array<Coef>;
#endif
#if D_BETA
@group(0) @binding(8) var<storage, read_write> dBeta: array<Coef>;
#endif

alias Operands = Sums; // the mean, and r * BIAS, which is within the range of f32

fn operands(c: u32) -> Operands {
  return Operands(mean[c], inverseRoot(variance[c], p.eps) * BIAS);
}

fn term(at: u32, k: Operands) -> Pair {
  let g = unit(at);
  return Pair(g, g * ((x[at] - k[0]) * k[1]));
}

fn terms(at: u32, j: u32, k: Operands) -> WidePair {
  let g = wide(one(unit(at), j));
  let d = difference(one(x[at], j), operandOf(k[0], j));
  return WidePair(g, times(g, times(d, times(wide(operandOf(k[1], j)), wide(1.0 / BIAS)))));
}

fn store(c: u32, sums: Sums) {
  sumDy[c] = sums[0];
  sumDyXhat[c] = sums[1];
#if D_GAMMA
  dGamma[c] += sums[1];
#endif
#if D_BETA
  dBeta[c] += sums[0];
#endif
}
