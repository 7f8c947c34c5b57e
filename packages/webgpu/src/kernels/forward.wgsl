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
#include entry

#if GAMMA
@group(0) @binding(8) var<storage, read> gamma: array<Coef>;
#endif
#if BETA
@group(0) @binding(9) var<storage, read> beta: array<Coef>;
#endif
@group(0) @binding(10) var<storage, read_write> output: array<Value>;

fn uncut(here: Place, local: u32) {
  let before = running(here.channel);
  let all = moments(here, local);
  store(here, all, before);
  thenMap(here, coefsOf(all.mean, all.squares, min(here.channel, p.channels - 1u)));
}
