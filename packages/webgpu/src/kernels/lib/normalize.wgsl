// y = (x - mean) * r [* gamma + beta], r = 1 / sqrt(variance + eps) (K-2, N-3). The kernel binds `gamma` and `beta`.
struct Coefs {
  mean: Coef,
  slope: Coef,
  beta: Coef,
  r: Coef,
  gamma: Coef,
}

fn coefsOf(mean: Coef, variance: Coef, c: u32) -> Coefs {
  let r = inverseRoot(variance, p.eps);
  var k = Coefs(mean, r, Coef(0.0), r, Coef(1.0));
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

fn plain(v: Value, at: u32, k: Coefs) -> Value {
#if BETA
  return (v - k.mean) * k.slope + k.beta;
#else
  return (v - k.mean) * k.slope;
#endif
}

fn careful(v: f32, at: u32, j: u32, k: Coefs) -> f32 {
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
