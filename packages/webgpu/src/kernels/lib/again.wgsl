// Recomputes sums value by value after an alarm. This is slow and happens only then.
#if VEC4
const WIDTH = 4u;
#else
const WIDTH = 1u;
#endif

fn one(v: Value, j: u32) -> f32 {
#if VEC4
  return v[j];
#else
  return v;
#endif
}

// The position of unit `i` of a channel.
fn unitAt(channel: u32, i: u32) -> u32 {
  return ((i / p.inner) * p.channels + channel) * p.inner + i % p.inner;
}

// Adds any number of blocks of 16 units (18 u) within N-1: the rounding error of each addition is kept and added last.
struct Long {
  sum: vec2f,
  lost: vec2f,
}

fn add(to: Long, block: vec2f) -> Long {
  let sum = to.sum + block;
  let part = sum - to.sum;
  return Long(sum, to.lost + ((to.sum - (sum - part)) + (block - part)));
}

fn whole(v: Long) -> vec2f {
  let better = v.sum + v.lost;
  return select(v.sum, better, vec2<bool>(isFinite(better.x), isFinite(better.y)));
}
