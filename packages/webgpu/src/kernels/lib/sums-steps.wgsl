// What a dispatch of two sums per channel (lib/sums.wgsl) does: all of it, or `part` and then `finish` if channels are cut into
// parts.
fn uncut(here: Place, local: u32) {
  let k = operands(min(here.channel, p.channels - 1u));
  _ = result(here, k, share(here, k), local);
}

fn part(here: Place, local: u32) {
  let k = operands(min(here.channel, p.channels - 1u));
  keep(0u, here, joined(share(here, k), local, here.lane));
  if (here.lane == 0u && here.part == 0u && here.channel < p.channels) {
    // stored after the sums, because `finish` has no bindings left to read their sources
    parts[p.splits * p.channels + here.channel] = k;
  }
}

fn finish(here: Place, local: u32) {
  let k = parts[p.splits * p.channels + min(here.channel, p.channels - 1u)];
  _ = result(here, k, shareOfParts(0u, here.channel, here.lane), local);
}
