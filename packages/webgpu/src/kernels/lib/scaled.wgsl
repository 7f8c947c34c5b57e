// Moments whose sums overflow: both passes are repeated with values times 2^-82 (moments.wgsl says why that is enough).
const DOWN = 0x1p-82;
const UP = 0x1p82;
const RAISED = 164u;

fn deviation(channel: u32, i: u32, by: f32, about: Coef) -> Sums {
  let d = valueAt(channel, i) * by - about;
  return Sums(fold(d), fold(d * d));
}

// A lane's share of the sums over a whole channel, of x * by - about. Blocks are loops of known length: lib/reduce.wgsl.
fn longShare(here: Place, wanted: Choice, by: f32, about: Coef) -> Sums {
  let end = select(0u, p.units, any(wanted) && here.channel < p.channels);
  var sum = Long();
  var i = here.lane;
  while (i < end) {
    var block = Sums();
    if (i + 15u * LANES < end) {
      for (var n = 0u; n < 16u; n += 1u) {
        block = block + deviation(here.channel, i + n * LANES, by, about);
      }
      i += 16u * LANES;
    } else {
      for (; i < end; i += LANES) {
        block = block + deviation(here.channel, i, by, about);
      }
    }
    sum = add(sum, block);
  }
  return whole(sum);
}

// Returns `kept`, unless sums of its channel overflowed. Every thread of the workgroup must call this function.
fn again(here: Place, overflowed: Choice, kept: Found, s: Coef, local: u32) -> Found {
  var about = s * DOWN;
  var sums = Sums();
  for (var turn = 0u; turn < 2u; turn += 1u) {
    let share = longShare(here, overflowed, DOWN, about);
    meet();
    sums = joined(share, local, here.lane);
    if (turn == 0u) {
      about += divide(sums[0], p.m);
    }
  }
  let small = found(about, sums);
#if SPLIT
  let squares = small.squares;
#else
  let squares = divide(small.squares, p.m);
#endif
  return Found(
    select(kept.mean, small.mean * UP, overflowed),
    select(kept.low, small.low * UP, overflowed),
    select(kept.squares, raised(squares), overflowed),
  );
}

// v * UP * UP, v >= 0, in bits: drivers join two constant factors into one, which is an infinity here.
fn raised(v: Coef) -> Coef {
  let bits = bitcast<Bits>(v);
  let field = (bits >> Bits(23u)) & Bits(0xffu);
  let up = bitcast<Coef>(select(bits + Bits(RAISED << 23u), Bits(0x7f800000u), field + Bits(RAISED) >= Bits(0xffu)));
  return select(up, v, (field == Bits(0u)) | (field == Bits(0xffu))); // what is subnormal here does not count
}
