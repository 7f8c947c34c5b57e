// Sums over channels, two sums at a time. LANES threads share a channel, and SLOTS channels share a workgroup of W
// threads. The error for N-1, in u: a thread adds 8 terms (7), 8 such runs (7) and 8 of those (7: at most 512 units per
// part, src/plan.ts), then the four values of a vector (2), and a tree adds its lanes (8). The terms themselves
// contribute 3. Parts add a tree (8) and, if a lane has more than one of them, 7 for each factor of 8. The kernel
// defines `struct Operands` and `fn term(at, k: Operands) -> Pair`.
const RUN = 8u;

struct Pair {
  a: Value,
  b: Value,
}

struct Place {
  lane: u32,
  channel: u32,
  part: u32,
  begin: u32, // the part's units of the channel; empty if the channel does not exist
  end: u32,
}

// With ACROSS, adjacent threads take adjacent channels; otherwise they take adjacent units of a channel.
#if ACROSS
const STRIDE = SLOTS;
#else
const STRIDE = 1u;
#endif

var<workgroup> shelf: array<vec2f, W>;

fn place(local: u32, group: u32) -> Place {
  let blocks = (p.channels + SLOTS - 1u) / SLOTS;
  let part = group / blocks;
#if ACROSS
  let lane = local / SLOTS;
  let channel = (group % blocks) * SLOTS + local % SLOTS;
#else
  let lane = local % LANES;
  let channel = (group % blocks) * SLOTS + local / LANES;
#endif
  let begin = part * p.each;
  let end = select(begin, min(p.units, begin + p.each), channel < p.channels);
  return Place(lane, channel, part, begin, end);
}

fn fold(v: Value) -> f32 {
#if VEC4
  return (v.x + v.y) + (v.z + v.w);
#else
  return v;
#endif
}

// This thread's share of the sums over `here`.
fn share(here: Place, k: Operands) -> vec2f {
  let row = p.channels * p.inner;
  let rows = LANES / p.inner;
  let columns = LANES % p.inner;
  var i = here.begin + here.lane;
  var column = i % p.inner;
  var at = (i / p.inner) * row + here.channel * p.inner + column;
  var sum = Pair();
  var runs = Pair();
  var count = 0u;
  while (i < here.end) {
    let stop = min(here.end, i + RUN * LANES);
    var run = Pair();
    for (; i < stop; i += LANES) {
      let t = term(at, k);
      run.a += t.a;
      run.b += t.b;
      column += columns;
      at += rows * row + columns;
      if (column >= p.inner) {
        column -= p.inner;
        at += row - p.inner;
      }
    }
    runs.a += run.a;
    runs.b += run.b;
    count += 1u;
    if (count == RUN) {
      sum.a += runs.a;
      sum.b += runs.b;
      runs = Pair();
      count = 0u;
    }
  }
  return vec2f(fold(sum.a + runs.a), fold(sum.b + runs.b));
}

fn four(at: u32, step: u32) -> vec2f {
  return (shelf[at] + shelf[at + 2u * step]) + (shelf[at + step] + shelf[at + 3u * step]);
}

fn eight(at: u32, step: u32) -> vec2f {
  return four(at, 2u * step) + four(at + step, 2u * step);
}

// The sum of the values that all lanes of a channel put on the shelf before a barrier. Every lane gets it, and every
// thread of the workgroup must call this function. It is a tree over groups of eight, because barriers cost more than
// additions.
fn tree(local: u32, lane: u32) -> vec2f {
  let base = local - lane * STRIDE;
  var left = LANES;
  for (; left > 8u; left /= 8u) {
    let some = left / 8u;
    if (lane < some) {
      shelf[local] = eight(local, some * STRIDE);
    }
    workgroupBarrier();
  }
  var total: vec2f;
  switch left {
    case 8u: { total = eight(base, STRIDE); }
    case 4u: { total = four(base, STRIDE); }
    case 2u: { total = shelf[base] + shelf[base + STRIDE]; }
    default: { total = shelf[base]; }
  }
  return total;
}

// The sum over all lanes. Afterwards the shelf is free for the next sum.
fn joined(mine: vec2f, local: u32, lane: u32) -> vec2f {
  shelf[local] = mine;
  workgroupBarrier();
  let total = tree(local, lane);
  workgroupBarrier();
  return total;
}
