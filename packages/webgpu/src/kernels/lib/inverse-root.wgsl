// 1 / sqrt(v): WGSL's may err by 2 ulp, and need not be exact even for powers of four. One step of Newton's on its
// residual makes those exact and leaves 2 u elsewhere; zero, infinite and negative v keep what the adapter gives.
fn inverseRoot(v: Coef) -> Coef {
  let r = inverseSqrt(v);
  let residual = 1.0 - (v * r) * r;
  return select(r, r + (0.5 * r) * residual, abs(residual) < Coef(0.5));
}
