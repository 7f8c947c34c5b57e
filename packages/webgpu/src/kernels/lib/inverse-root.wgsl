// 1 / sqrt(v + eps). WGSL's inverseSqrt may err by 2 ulp, and need not be exact even for powers of four. One Newton
// step on its residual makes those exact and leaves an error of 2 u elsewhere. For zero, infinite and negative sums the
// adapter's result is kept. If the sum itself would overflow, halves are added instead.
fn inverseRootOf(v: f32, eps: f32) -> f32 {
  let large = (v > 0x1p126) | (eps > 0x1p126);
  let sum = select(v, v * 0.25, large) + select(eps, eps * 0.25, large);
  let r = inverseSqrt(sum);
  let residual = 1.0 - (sum * r) * r;
  let better = select(r, r + (0.5 * r) * residual, abs(residual) < 0.5);
  return select(better, better * 0.5, large);
}

fn inverseRoot(v: Coef, eps: f32) -> Coef {
#if COEF4
  return Coef(inverseRootOf(v.x, eps), inverseRootOf(v.y, eps), inverseRootOf(v.z, eps), inverseRootOf(v.w, eps));
#else
  return inverseRootOf(v, eps);
#endif
}
