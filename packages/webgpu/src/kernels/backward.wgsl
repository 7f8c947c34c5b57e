// sum dy and sum dy * x^ of each channel, with D_GAMMA or D_BETA added to the gradients as well, and dx by them (K-10), for
// channels that are not cut into parts: a workgroup computes dx of its channels while dy and x are in its cache. The input is dy
// and the output is dx. IN_PLACE: dx is dy.
#include params
#include unit
#include grad-sums
#include careful
#include grad-normalize
#include then-map

#if !IN_PLACE
@group(0) @binding(1) var<storage, read> input: array<Value>;
#endif
@group(0) @binding(2) var<storage, read> x: array<Value>;
@group(0) @binding(3) var<storage, read> mean: array<Coef>;
@group(0) @binding(4) var<storage, read> variance: array<Coef>;
@group(0) @binding(5) var<storage, read_write> sumDy: array<Coef>;
@group(0) @binding(6) var<storage, read_write> sumDyXhat: array<Coef>;
#if D_GAMMA
@group(0) @binding(7) var<storage, read_write> dGamma: array<Coef>;
#endif
#if D_BETA
@group(0) @binding(8) var<storage, read_write> dBeta: array<Coef>;
#endif
#if GAMMA
@group(0) @binding(9) var<storage, read> gamma: array<Coef>;
#endif
@group(0) @binding(10) var<storage, read_write> output: array<Value>;

@compute @workgroup_size(W)
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
) {
  let group = flat(id, count);
  if (group >= p.groups) {
    return;
  }
  let here = place(local, group);
  let c = min(here.channel, p.channels - 1u);
  let k = operands(c);
  let sums = result(here, k, share(here, k), local);
  thenMap(here, coefsOf(mean[c], variance[c], sums, c));
}
