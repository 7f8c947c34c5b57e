// What takes sums again, value by value, where the alarm was raised: slowly, and only then.
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

// Where unit `i` of a channel lies.
fn unitAt(channel: u32, i: u32) -> u32 {
  return ((i / p.inner) * p.channels + channel) * p.inner + i % p.inner;
}

// The sum of any number of blocks of 16 units (18 u) within N-1: what an addition loses is kept and added last.
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
