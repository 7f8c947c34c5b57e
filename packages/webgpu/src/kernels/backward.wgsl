// sum dy and sum dy * x^ of each channel, with D_GAMMA or D_BETA added to the gradients as well, and dx by them (K-10), for
// channels that are not cut into parts: a workgroup computes dx of its channels while dy and x are in its cache. The input is dy
// and the output is dx. IN_PLACE: dx is dy.
#include params
#include unit
#include grad-sums
#include careful
#include grad-normalize
#include then-map
#include entry

#if GAMMA
@group(0) @binding(9) var<storage, read> gamma: array<Coef>;
#endif
@group(0) @binding(10) var<storage, read_write> output: array<Value>;

fn uncut(here: Place, local: u32) {
  let c = min(here.channel, p.channels - 1u);
  let k = operands(c);
  let sums = result(here, k, share(here, k), local);
  thenMap(here, coefsOf(mean[c], variance[c], sums, c));
}
