// y from x and the statistics of each channel (K-2). IN_PLACE: y is x.
#include params
#include inverse-root
#include wide
#include map
#include careful
#include normalize

@group(0) @binding(2) var<storage, read> mean: array<Coef>;
@group(0) @binding(3) var<storage, read> variance: array<Coef>;
#if GAMMA
@group(0) @binding(4) var<storage, read> gamma: array<Coef>;
#endif
#if BETA
@group(0) @binding(5) var<storage, read> beta: array<Coef>;
#endif
@group(0) @binding(6) var<storage, read_write> output: array<Value>;

fn coefs(c: u32) -> Coefs {
  return coefsOf(mean[c], variance[c], c);
}
