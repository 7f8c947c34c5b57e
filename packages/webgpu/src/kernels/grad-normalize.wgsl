// dx from dy, x, the statistics and the sums of each channel (K-4). The input is dy and the output is dx. IN_PLACE: dx is dy.
#include params
#include inverse-root
#include wide
#include map
#include careful
#include grad-normalize

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

fn coefs(c: u32) -> Coefs {
#if SUMS
  return coefsOf(mean[c], variance[c], Sums(sumDy[c], sumDyXhat[c]), c);
#else
  return coefsOf(Coef(0.0), variance[c], Sums(), c);
#endif
}
