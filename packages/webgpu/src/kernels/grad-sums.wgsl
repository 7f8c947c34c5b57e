// Computes sum dy and sum dy * x^ of each channel (K-3, N-5). With GAMMA or BETA it also adds them to the gradients of
// gamma and beta.
#include params
#include float
#include inverse-root
#include wide
#include reduce
#include alarm
#include again
#include parts
#include sums

@group(0) @binding(1) var<storage, read> dy: array<Value>;
@group(0) @binding(2) var<storage, read> x: array<Value>;
@group(0) @binding(3) var<storage, read> mean: array<Coef>;
@group(0) @binding(4) var<storage, read> variance: array<Coef>;
@group(0) @binding(5) var<storage, read_write> sumDy: array<Coef>;
@group(0) @binding(6) var<storage, read_write> sumDyXhat: array<Coef>;
#if GAMMA
@group(0) @binding(7) var<storage, read_write> dGamma: array<Coef>;
#endif
#if BETA
@group(0) @binding(8) var<storage, read_write> dBeta: array<Coef>;
#endif

alias Operands = Sums; // the mean, and r * BIAS, which is within the range of f32

fn operands(c: u32) -> Operands {
  return Operands(mean[c], inverseRoot(variance[c], p.eps) * BIAS);
}

fn term(at: u32, k: Operands) -> Pair {
  let g = dy[at];
  return Pair(g, g * ((x[at] - k[0]) * k[1]));
}

fn terms(at: u32, j: u32, k: Operands) -> WidePair {
  let g = wide(one(dy[at], j));
  let d = difference(one(x[at], j), operandOf(k[0], j));
  return WidePair(g, times(g, times(d, times(wide(operandOf(k[1], j)), wide(1.0 / BIAS)))));
}

fn store(c: u32, sums: Sums) {
  sumDy[c] = sums[0];
  sumDyXhat[c] = sums[1];
#if GAMMA
  dGamma[c] += sums[1];
#endif
#if BETA
  dBeta[c] += sums[0];
#endif
}
