// Recomputes sums value by value after an alarm. This is slow and happens only then.
#include values

// The position of unit `i` of a channel.
fn unitAt(channel: u32, i: u32) -> u32 {
  return ((i / inner()) * p.channels + channel) * inner() + i % inner();
}

// Adds any number of blocks of 16 units (18 u) within N-1: the rounding error of each addition is kept and added last.
struct Long {
  sum: Sums,
  lost: Sums,
}

fn add(to: Long, block: Sums) -> Long {
  let sum = to.sum + block;
  let part = sum - to.sum;
  return Long(sum, to.lost + ((to.sum - (sum - part)) + (block - part)));
}

fn whole(v: Long) -> Sums {
  let better = v.sum + v.lost;
  return Sums(select(v.sum[0], better[0], isFinite(better[0])), select(v.sum[1], better[1], isFinite(better[1])));
}
