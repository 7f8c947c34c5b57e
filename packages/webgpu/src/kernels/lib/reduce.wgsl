// Sums over channels, two sums at a time. LANES threads share a channel, and SLOTS channels share a workgroup of W
// threads. The error for N-1, in u: a thread adds 8 terms (7), 8 such runs (7) and 8 of those (7: at most 512 units per
// part, src/plan.ts), then the four values of a vector (2), and a tree adds its lanes (8). The terms themselves
// contribute 3. Parts add a tree (8) and, if a lane has more than one of them, 7 for each factor of 8; a run that is read
// ahead (lib/ahead.wgsl) joins the others last (1). The kernel defines `struct Operands` and `fn term(at, k: Operands) -> Pair`.
//
// With COEF4 a unit holds the values of four adjacent channels. `channel` then means such a quad of channels, and operands and
// sums are vectors with a component per channel, so that a thread reads 16 bytes of a row at once. On SwiftShader that takes
// half the time of [64, 128] and [4096, 64].
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

// With ALONE a channel has one lane. Nothing is shared then, and no barrier is needed: on SwiftShader they were a fifth of
// the time of [64, 128].
#if ALONE
var<private> shelf: Sums;
#else
var<workgroup> shelf: array<Sums, W>;
#endif

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

// The sum of a unit's values of the same channel.
fn fold(v: Value) -> Coef {
#if VEC4
#if COEF4
  return v;
#else
  return (v.x + v.y) + (v.z + v.w);
#endif
#else
  return v;
#endif
}

// Where a thread reads: the place of a unit in memory, and its column in the row.
struct Cursor {
  at: u32,
  column: u32,
}

// The unit that lies LANES units after `cursor`. `columns` is LANES modulo the row, `step` is that distance in memory.
fn onward(cursor: Cursor, columns: u32, step: u32) -> Cursor {
  let column = cursor.column + columns;
  let wraps = column >= inner();
  let gap = select(0u, (p.channels - 1u) * inner(), wraps);
  return Cursor(cursor.at + step + gap, select(column, column - inner(), wraps));
}

// This thread's share of the sums over `here`. A whole run is a loop of known length without a branch: a GPU then issues
// all its reads before it waits for the first. With TOGETHER, which GPUs have, the rest is such a loop too: beyond the end it
// reads a unit again, which is in the cache, and adds zeros. Emulators read one unit at a time. That loop comes last, because
// they execute the body of every loop at least once.
fn share(here: Place, k: Operands) -> Sums {
  let row = p.channels * inner();
  let columns = LANES % inner();
  let step = (LANES / inner()) * row + columns;
  var i = here.begin + here.lane;
  var cursor = Cursor((i / inner()) * row + here.channel * inner() + i % inner(), i % inner());
  var sum = Pair();
  var runs = Pair();
  var count = 0u;
  while (i + (RUN - 1u) * LANES < here.end) {
    var run = Pair();
    for (var n = 0u; n < RUN; n += 1u) {
      let t = term(cursor.at, k);
      run.a += t.a;
      run.b += t.b;
      cursor = onward(cursor, columns, step);
    }
    i += RUN * LANES;
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
  var rest = Pair();
#if TOGETHER
  if (i < here.end) {
    let first = cursor.at;
    for (var n = 0u; n < RUN; n += 1u) {
      let inside = i + n * LANES < here.end;
      let t = term(select(first, cursor.at, inside), k);
      rest.a += select(Value(0.0), t.a, inside);
      rest.b += select(Value(0.0), t.b, inside);
      cursor = onward(cursor, columns, step);
    }
  }
#else
  for (; i < here.end; i += LANES) {
    let t = term(cursor.at, k);
    rest.a += t.a;
    rest.b += t.b;
    cursor = onward(cursor, columns, step);
  }
#endif
  runs.a += rest.a;
  runs.b += rest.b;
  return Sums(fold(sum.a + runs.a), fold(sum.b + runs.b));
}

// Waits for the other lanes of a channel, unless there are none.
fn meet() {
#if !ALONE
  workgroupBarrier();
#endif
}

#if ALONE
fn tree(local: u32, lane: u32) -> Sums {
  return shelf;
}
#else
fn four(at: u32, step: u32) -> Sums {
  return (shelf[at] + shelf[at + 2u * step]) + (shelf[at + step] + shelf[at + 3u * step]);
}

fn eight(at: u32, step: u32) -> Sums {
  return four(at, 2u * step) + four(at + step, 2u * step);
}

// The sum of the values that all lanes of a channel put on the shelf before a barrier. Every lane gets it, and every
// thread of the workgroup must call this function. It is a tree over groups of eight, because barriers cost more than
// additions. Subgroup operations would save little: on an H100 the moments of [64, 128], two passes with a tree each, take
// 4.5 us, and a map, which has none, 3.6.
fn tree(local: u32, lane: u32) -> Sums {
  let base = local - lane * STRIDE;
  var left = LANES;
  for (; left > 8u; left /= 8u) {
    let some = left / 8u;
    if (lane < some) {
      shelf[local] = eight(local, some * STRIDE);
    }
    workgroupBarrier();
  }
  var total: Sums;
  switch left {
    case 8u: { total = eight(base, STRIDE); }
    case 4u: { total = four(base, STRIDE); }
    case 2u: { total = shelf[base] + shelf[base + STRIDE]; }
    default: { total = shelf[base]; }
  }
  return total;
}
#endif

// The sum over all lanes. Afterwards the shelf is free for the next sum.
fn joined(mine: Sums, local: u32, lane: u32) -> Sums {
#if ALONE
  return mine;
#else
  shelf[local] = mine;
  workgroupBarrier();
  let total = tree(local, lane);
  workgroupBarrier();
  return total;
#endif
}
