// dx = s * (dy - sum dy / m - x^ * sum(dy x^) / m), s = [gamma] * r; without SUMS dx = s * dy (K-4, N-6).
// IN_PLACE: dx is dy.
#include params
#include inverse-root
#include wide
#include map
#include careful

#if !IN_PLACE
@group(0) @binding(1) var<storage, read> dy: array<Value>;
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
@group(0) @binding(8) var<storage, read_write> dx: array<Value>;

struct Operands {
  slope: Coef,
  mean: Coef,
  meanDy: Coef,
  tilt: Coef, // r * sum(dy x^) / m
}

fn operands(c: u32) -> Operands {
  let r = inverseRoot(variance[c], p.eps);
  var k = Operands();
  k.slope = r;
#if GAMMA
  let slope = r * gamma[c];
  k.slope = unlessTiny(slope, slope, gamma[c]);
#endif
#if SUMS
  k.mean = mean[c];
  k.meanDy = sumDy[c] * p.inverseM;
  let b = sumDyXhat[c] * p.inverseM;
  let tilt = b * r;
  k.tilt = unlessTiny(tilt, min(abs(b), abs(tilt)), sumDyXhat[c]);
#endif
  return k;
}

fn source(at: u32) -> Value {
#if IN_PLACE
  return dx[at];
#else
  return dy[at];
#endif
}

fn plain(at: u32, k: Operands) -> Value {
#if SUMS
  return ((source(at) - k.meanDy) - (x[at] - k.mean) * k.tilt) * k.slope;
#else
  return source(at) * k.slope;
#endif
}

fn careful(at: u32, j: u32, channel: u32, k: Operands) -> f32 {
  let r = wide(inverseRootOf(operandOf(variance[channel], j), p.eps));
  var t = wide(one(source(at), j));
#if SUMS
  let inverseM = wide(p.inverseM);
  let xhat = times(minus(wide(one(x[at], j)), wide(operandOf(k.mean, j))), r);
  t = minus(t, times(wide(operandOf(sumDy[channel], j)), inverseM));
  t = minus(t, times(xhat, times(wide(operandOf(sumDyXhat[channel], j)), inverseM)));
#endif
  t = times(t, r);
#if GAMMA
  t = times(t, wide(operandOf(gamma[channel], j)));
#endif
  return narrow(t);
}

fn put(at: u32, v: Value) {
  dx[at] = v;
}

fn stored(at: u32) -> Value {
  return dx[at];
}
