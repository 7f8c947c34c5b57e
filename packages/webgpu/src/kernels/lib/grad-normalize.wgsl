// dx = s * (dy - sum dy / m - x^ * sum(dy x^) / m), s = [gamma] * r; without SUMS dx = s * dy (K-4, N-6). The kernel binds `x`
// and `gamma`.
struct Coefs {
  slope: Coef,
  mean: Coef,
  meanDy: Coef,
  tilt: Coef, // r * sum(dy x^) / m
  r: Coef,
  gamma: Coef,
  sumDy: Coef,
  sumDyXhat: Coef,
}

// `sums` are sum dy and sum(dy x^). Without SUMS neither they nor the mean are used.
fn coefsOf(mean: Coef, variance: Coef, sums: Sums, c: u32) -> Coefs {
  var k = Coefs();
  k.r = inverseRoot(variance, p.eps);
  k.slope = k.r;
#if GAMMA
  k.gamma = gamma[c];
  let slope = k.r * k.gamma;
  k.slope = unlessTiny(slope, slope, k.gamma);
#endif
#if SUMS
  k.mean = mean;
  k.sumDy = sums[0];
  k.sumDyXhat = sums[1];
  k.meanDy = k.sumDy * p.inverseM;
  let b = k.sumDyXhat * p.inverseM;
  let tilt = b * k.r;
  k.tilt = unlessTiny(tilt, min(abs(b), abs(tilt)), k.sumDyXhat);
#endif
  return k;
}

fn plain(v: Value, at: u32, k: Coefs) -> Value {
#if SUMS
  return ((v - k.meanDy) - (x[at] - k.mean) * k.tilt) * k.slope;
#else
  return v * k.slope;
#endif
}

fn careful(v: f32, at: u32, j: u32, k: Coefs) -> f32 {
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
