// The moments of each channel, with AVERAGE the moving average's step, and y from x by them (K-10), for channels that are not cut
// into parts: a workgroup computes y of its channels while their values are in its cache. IN_PLACE: y is x.
#include params
#include unit
#include moments
#include inverse-root
#include wide
#include careful
#include normalize
#include then-map

#if !IN_PLACE
@group(0) @binding(1) var<storage, read> input: array<Value>;
#endif
@group(0) @binding(2) var<storage, read_write> mean: array<Coef>;
@group(0) @binding(3) var<storage, read_write> spread: array<Coef>;
#if AVERAGE
@group(0) @binding(4) var<storage, read_write> meanSum: array<Coef>;
@group(0) @binding(5) var<storage, read_write> varianceSum: array<Coef>;
@group(0) @binding(6) var<storage, read_write> factor: array<f32>;
#endif
#if GAMMA
@group(0) @binding(7) var<storage, read> gamma: array<Coef>;
#endif
#if BETA
@group(0) @binding(8) var<storage, read> beta: array<Coef>;
#endif
@group(0) @binding(9) var<storage, read_write> output: array<Value>;

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
  let before = running(here.channel);
  let all = moments(here, local);
  store(here, all, before);
  thenMap(here, coefsOf(all.mean, all.squares, min(here.channel, p.channels - 1u)));
}
