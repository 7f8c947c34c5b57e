// y = (x - mean) * r [* gamma + beta], r = 1 / sqrt(variance + eps) (K-2, N-3). IN_PLACE: y is x.
#include params
#include inverse-root
#include wide
#include map
#include careful

#if !IN_PLACE
@group(0) @binding(1) var<storage, read> input: array<Value>;
#endif
@group(0) @binding(2) var<storage, read> mean: array<Coef>;
@group(0) @binding(3) var<storage, read> variance: array<Coef>;
#if GAMMA
@group(0) @binding(4) var<storage, read> gamma: array<Coef>;
#endif
#if BETA
@group(0) @binding(5) var<storage, read> beta: array<Coef>;
#endif
@group(0) @binding(6) var<storage, read_write> output: array<Value>;

struct Operands {
  mean: Coef,
  slope: Coef,
  beta: Coef,
  r: Coef,
  gamma: Coef,
}

fn operands(c: u32) -> Operands {
  let r = inverseRoot(variance[c], p.eps);
  var k = Operands(mean[c], r, Coef(0.0), r, Coef(1.0));
#if GAMMA
  k.gamma = gamma[c];
  let slope = r * k.gamma;
  k.slope = unlessTiny(slope, slope, k.gamma);
#endif
#if BETA
  k.beta = beta[c];
#endif
  return k;
}

fn plain(v: Value, at: u32, k: Operands) -> Value {
#if BETA
  return (v - k.mean) * k.slope + k.beta;
#else
  return (v - k.mean) * k.slope;
#endif
}

fn careful(v: f32, at: u32, j: u32, k: Operands) -> f32 {
  let d = difference(v, operandOf(k.mean, j));
  var t = times(d, wide(operandOf(k.r, j)));
#if GAMMA
  t = times(t, wide(operandOf(k.gamma, j)));
#endif
#if BETA
  t = plus(t, wide(operandOf(k.beta, j)));
#endif
  return narrow(t);
}
