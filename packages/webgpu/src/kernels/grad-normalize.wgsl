// dx = s * (dy - sum dy / m - x^ * sum(dy x^) / m), s = [gamma] * r; without SUMS dx = s * dy (K-4, N-6).
// IN_PLACE: dx is dy.
#include params
#include inverse-root
#include wide
#include map
#include careful

#if !IN_PLACE
@group(0) @binding(1) var<storage, read> input: array<Value>;
#endif
#if SUMS
@group(0) @binding(2) var<storage, read> x: array<Value>;
@group(0) @binding(3) var<storage, read> mean: array<Coef>;
#endif
@group(0) @binding(4) var<storage, read> variance: array<Coef>;
#if GAMMA
@group(0) @binding(5) var<storage, read> gamma: array<Coef>;
#endif
#if SUMS
@group(0) @binding(6) var<storage, read> sumDy: array<Coef>;
@group(0) @binding(7) var<storage, read> sumDyXhat: array<Coef>;
#endif
@group(0) @binding(8) var<storage, read_write> output: array<Value>;

struct Operands {
  slope: Coef,
  mean: Coef,
  meanDy: Coef,
  tilt: Coef, // r * sum(dy x^) / m
  r: Coef,
  gamma: Coef,
  sumDy: Coef,
  sumDyXhat: Coef,
}

fn operands(c: u32) -> Operands {
  var k = Operands();
  k.r = inverseRoot(variance[c], p.eps);
  k.slope = k.r;
#if GAMMA
  k.gamma = gamma[c];
  let slope = k.r * k.gamma;
  k.slope = unlessTiny(slope, slope, k.gamma);
#endif
#if SUMS
  k.mean = mean[c];
  k.sumDy = sumDy[c];
  k.sumDyXhat = sumDyXhat[c];
  k.meanDy = k.sumDy * p.inverseM;
  let b = k.sumDyXhat * p.inverseM;
  let tilt = b * k.r;
  k.tilt = unlessTiny(tilt, min(abs(b), abs(tilt)), k.sumDyXhat);
#endif
  return k;
}

fn plain(v: Value, at: u32, k: Operands) -> Value {
#if SUMS
  return ((v - k.meanDy) - (x[at] - k.mean) * k.tilt) * k.slope;
#else
  return v * k.slope;
#endif
}

fn careful(v: f32, at: u32, j: u32, k: Operands) -> f32 {
  let r = wide(operandOf(k.r, j));
  var t = wide(v);
#if SUMS
  let inverseM = wide(p.inverseM);
  let xhat = times(difference(one(x[at], j), operandOf(k.mean, j)), r);
  t = minus(t, times(wide(operandOf(k.sumDy, j)), inverseM));
  t = minus(t, times(xhat, times(wide(operandOf(k.sumDyXhat, j)), inverseM)));
#endif
  t = times(t, r);
#if GAMMA
  t = times(t, wide(operandOf(k.gamma, j)));
#endif
  return narrow(t);
}
