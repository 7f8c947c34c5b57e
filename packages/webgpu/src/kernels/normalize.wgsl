// y = (x - mean) * r [* gamma + beta], r = 1 / sqrt(variance + eps) (K-2, N-3). IN_PLACE: y is x.
#include params
#include inverse-root
#include map

#if !IN_PLACE
@group(0) @binding(1) var<storage, read> x: array<Value>;
#endif
@group(0) @binding(2) var<storage, read> mean: array<Coef>;
@group(0) @binding(3) var<storage, read> variance: array<Coef>;
#if GAMMA
@group(0) @binding(4) var<storage, read> gamma: array<Coef>;
#endif
#if BETA
@group(0) @binding(5) var<storage, read> beta: array<Coef>;
#endif
@group(0) @binding(6) var<storage, read_write> y: array<Value>;

struct Operands {
  mean: Coef,
  slope: Coef,
  beta: Coef,
}

fn operands(c: u32) -> Operands {
  var k = Operands(mean[c], inverseRoot(variance[c] + p.eps), Coef(0.0));
#if GAMMA
  k.slope *= gamma[c];
#endif
#if BETA
  k.beta = beta[c];
#endif
  return k;
}

fn apply(at: u32, k: Operands) {
#if IN_PLACE
  let v = y[at];
#else
  let v = x[at];
#endif
#if BETA
  y[at] = (v - k.mean) * k.slope + k.beta;
#else
  y[at] = (v - k.mean) * k.slope;
#endif
}
