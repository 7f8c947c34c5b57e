// Mean and biased variance of each channel (K-1), with AVERAGE the moving average's step as well (K-7), or with SPLIT the results
// of K-12. lib/moments.wgsl says how.
#include params
#include unit
#include moments
#include parts
#include ahead
#include entry

fn uncut(here: Place, local: u32) {
  let before = running(here.channel);
  store(here, moments(here, local), before);
}

// For channels that are cut into parts: `sums`, `deviations` and `finish` run one after the other. After the sums of
// the parts there are two pairs per channel: (s, unused), and (mean, 1 if s is far from it, else 0). A dispatch costs 3.5 us on
// an H100, so that `deviations` is left out where channels are not very long: `finish` then takes the deviations of those that need
// it. Without ONCE, s is the first value and most channels do.
fn pairOf(plane: u32, channel: u32) -> u32 {
  return (2u * p.splits + plane) * p.channels + min(channel, p.channels - 1u);
}

fn sums(here: Place, local: u32) {
#if ONCE
#if TOGETHER
  let first = ahead(here);
  let s = typical(here, local);
  let mine = shareAfter(first, here, Operands(s));
#else
  let s = typical(here, local);
  let mine = share(here, Operands(s));
#endif
#else
  let s = firstValue(here);
  let mine = share(here, Operands(s));
#endif
  keep(0u, here, joined(mine, local, here.lane));
  if (here.lane == 0u && here.part == 0u && here.channel < p.channels) {
    parts[pairOf(0u, here.channel)] = Sums(s, Coef(0.0));
  }
}

fn deviations(here: Place, local: u32) {
  let around = joined(shareOfParts(0u, here.channel, here.lane), local, here.lane);
  let mu = parts[pairOf(0u, here.channel)][0] + divide(around[0], p.m);
#if SPLIT
  let far = Choice(true);
#else
  let far = isFar(around);
#endif
  keep(1u, here, joined(share(only(far, here), Operands(mu)), local, here.lane));
  if (here.lane == 0u && here.part == 0u && here.channel < p.channels) {
    parts[pairOf(1u, here.channel)] = Sums(mu, select(Coef(0.0), Coef(1.0), far));
  }
}

fn finish(here: Place, local: u32) {
  let before = running(here.channel);
  let s = parts[pairOf(0u, here.channel)][0];
  shelve(shareOfParts(0u, here.channel, here.lane), local);
  meet();
  let around = tree(local, here.lane);
  meet();
#if DEVIATIONS
  let verdict = parts[pairOf(1u, here.channel)];
  let far = verdict[1] != Coef(0.0);
  let mu = verdict[0];
#else
  let far = isFar(around);
  let mu = s + divide(around[0], p.m);
#endif
  if (any(far)) {
    alert(AGAIN);
  }
  if (alarmed(local) == 0u) {
    store(here, outcome(found(mu, around)), before);
    return;
  }
#if DEVIATIONS
  shelve(shareOfParts(1u, here.channel, here.lane), local);
#else
  shelve(longShare(here, far, 1.0, mu), local);
#endif
  let alarm = alarmed(local);
  let about = tree(local, here.lane);
  var all = outcome(found(mu, either(around, about, far)));
  if ((alarm & OVERFLOW) != 0u) {
    let overflowed = !(isFinite(around[1]) & isFinite(select(around[1], about[1], far)));
    all = again(here, overflowed, all, s, local);
  }
  store(here, all, before);
}
