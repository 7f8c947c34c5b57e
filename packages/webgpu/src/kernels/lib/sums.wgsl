// The entry points of a kernel that computes two sums per channel. `main` does all the work; `part` and `finish` do it
// if channels are cut into parts. The kernel defines `operands(channel)`, which returns a pair, `term`, `terms` (the
// same in wide arithmetic) and `store(channel, sums)`. The terms of the second sum are multiplied by BIAS, so that
// products of small numbers do not underflow.
const BIAS = 0x1p52;

// The exponents of the largest terms of a channel, as wide numbers. Every thread of the workgroup must call this
// function.
fn greatest(here: Place, end: u32, k: Operands, local: u32) -> vec2i {
  var top = vec2i(ZERO_EXPONENT);
  for (var i = here.lane; i < end; i += LANES) {
    let at = unitAt(here.channel, i);
    for (var j = 0u; j < WIDTH; j += 1u) {
      let t = terms(at, j, k);
      top = max(top, vec2i(t.a.e, t.b.e));
    }
  }
#if !ALONE
  workgroupBarrier();
  shelf[local] = vec2f(top);
  workgroupBarrier();
  for (var other = 0u; other < LANES; other += 1u) {
    top = max(top, vec2i(shelf[local - here.lane * STRIDE + other * STRIDE]));
  }
  workgroupBarrier();
#endif
  return top;
}

// A lane's share of the sums of wide terms, times 2^-top.
fn lowShare(here: Place, end: u32, k: Operands, top: vec2i) -> vec2f {
  var sum = Long();
  var i = here.lane;
  while (i < end) {
    var block = vec2f();
    for (var n = 0u; n < 16u && i < end; n += 1u) {
      let at = unitAt(here.channel, i);
      var unit = vec2f();
      for (var j = 0u; j < WIDTH; j += 1u) {
        let t = terms(at, j, k);
        unit += vec2f(lowered(t.a.m, t.a.e - top.x), lowered(t.b.m, t.b.e - top.y));
      }
      block += unit;
      i += LANES;
    }
    sum = add(sum, block);
  }
  return whole(sum);
}

// Joins and stores the sums of a channel. Sums that f32 could not hold are recomputed in wide numbers.
fn result(here: Place, k: Operands, share: vec2f, local: u32) {
  var mine = share;
  var sums = vec2f();
  var top = vec2i();
  for (var turn = 0u; turn < 2u; turn += 1u) {
    shelve(mine, local);
    let alarm = alarmed(local);
    let total = tree(local, here.lane);
    if (turn == 0u) {
      sums = total * vec2f(1.0, 1.0 / BIAS);
      if (alarm == 0u) {
        break;
      }
      let end = select(p.units, 0u, here.channel >= p.channels || (isFinite(sums.x) && isFinite(sums.y)));
      top = greatest(here, end, k, local);
      mine = lowShare(here, end, k, top);
    } else {
      sums.x = select(narrow(Wide(total.x, top.x)), sums.x, isFinite(sums.x));
      sums.y = select(narrow(Wide(total.y, top.y)), sums.y, isFinite(sums.y));
    }
  }
  if (here.lane == 0u && here.channel < p.channels) {
    store(here.channel, sums);
  }
}

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
  let k = operands(min(here.channel, p.channels - 1u));
  result(here, k, share(here, k), local);
}

@compute @workgroup_size(W)
fn part(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
) {
  let group = flat(id, count);
  if (group >= p.groups) {
    return;
  }
  let here = place(local, group);
  let k = operands(min(here.channel, p.channels - 1u));
  keep(0u, here, joined(share(here, k), local, here.lane));
  if (here.lane == 0u && here.part == 0u && here.channel < p.channels) {
    // stored after the sums, because `finish` has no bindings left to read their sources
    parts[p.splits * p.channels + here.channel] = k;
  }
}

@compute @workgroup_size(W)
fn finish(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
) {
  let group = flat(id, count);
  if (group >= p.groups) {
    return;
  }
  let here = place(local, group);
  let k = parts[p.splits * p.channels + min(here.channel, p.channels - 1u)];
  result(here, k, shareOfParts(0u, here.channel, here.lane), local);
}
