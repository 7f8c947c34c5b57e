// dx = s * (dy - sum dy / m - x^ * sum(dy x^) / m), s = [gamma] * r; without SUMS dx = s * dy (K-4, N-6).
// IN_PLACE: dx is dy.
#include params
#include inverse-root
#include map

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
  let r = inverseRoot(variance[c] + p.eps);
  var k = Operands();
  k.slope = r;
#if GAMMA
  k.slope *= gamma[c];
#endif
#if SUMS
  k.mean = mean[c];
  k.meanDy = sumDy[c] * p.inverseM;
  k.tilt = sumDyXhat[c] * p.inverseM * r;
#endif
  return k;
}

fn apply(at: u32, k: Operands) {
#if IN_PLACE
  let g = dx[at];
#else
  let g = dy[at];
#endif
#if SUMS
  dx[at] = ((g - k.meanDy) - (x[at] - k.mean) * k.tilt) * k.slope;
#else
  dx[at] = g * k.slope;
#endif
}
