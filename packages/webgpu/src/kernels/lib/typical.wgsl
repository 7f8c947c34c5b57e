// The value of a channel that moments are taken about.

// Subtracting an infinity or a NaN would lose every value; subtracting 0 loses only the infinite ones (BN-12).
fn finiteOr0(v: Coef) -> Coef {
  return select(Coef(0.0), v, isFinite(v));
}

// The first value of a channel in a unit.
fn leading(v: Value) -> Coef {
#if VEC4
#if COEF4
  return v;
#else
  return v.x;
#endif
#else
  return v;
#endif
}

fn valueAt(channel: u32, i: u32) -> Value {
  return unit(unitAt(min(channel, p.channels - 1u), i));
}

// The first value of the channel.
fn firstValue(here: Place) -> Coef {
  return finiteOr0(leading(valueAt(here.channel, 0u)));
}

// A sample of at least 256 values spread over the channel. Its mean is typically off by 1/16 of the standard deviation, and in one
// channel of 500 by more than isFar allows (3.1 such steps). With SURE, for channels of which a second look takes long, it is of
// 512 values: in one channel of 75,000.
#if SURE
const SAMPLED = 512u / OF_CHANNEL;
#else
const SAMPLED = 256u / OF_CHANNEL;
#endif

// A value of the sample that is near the sample's mean. It is a value of the channel, so that differences need no more bits
// than the values do and their sums are as exact (N-7). Every thread of the workgroup must call this function.
fn typical(here: Place, local: u32) -> Coef {
  let head = firstValue(here);
  let rounds = max(1u, SAMPLED / LANES);
  let step = max(1u, p.units / (LANES * rounds));
  var sum = Value();
  for (var round = 0u; round < rounds; round += 1u) {
    sum += sampled(here, round, step) - head;
  }
  let middle = joined(Sums(fold(sum), Coef(0.0)), local, here.lane)[0] / f32(LANES * rounds * OF_CHANNEL);
  var best = head;
  for (var round = 0u; round < rounds; round += 2u) { // half of the sample is read again, from the cache
    let value = sampled(here, round, step);
#if VEC4
#if COEF4
    best = nearer(best, value, head, middle);
#else
    best = nearer(nearer(best, value.x, head, middle), value.y, head, middle);
    best = nearer(nearer(best, value.z, head, middle), value.w, head, middle);
#endif
#else
    best = nearer(best, value, head, middle);
#endif
  }
  return nearest(best, head, middle, local, here.lane);
}

// One unit of each stretch of `step` units; 11 bits of a hash say which. At equal distances it could be the same column of
// every row. A stretch has at most 2^21 units, because a tensor has at most 2^29 values.
fn sampled(here: Place, round: u32, step: u32) -> Value {
  let i = round * LANES + here.lane;
  let within = (((i * 0x9e3779b1u) >> 21u) * step) >> 11u;
  return valueAt(here.channel, min(i * step + within, p.units - 1u));
}

// Which of a and b is nearer to head + middle.
fn nearer(a: Coef, b: Coef, head: Coef, middle: Coef) -> Coef {
  return select(a, b, abs((b - head) - middle) < abs((a - head) - middle));
}

// The value of all lanes that is nearest, found as `tree` joins sums. The shelf is free for the next use.
fn nearest(mine: Coef, head: Coef, middle: Coef, local: u32, lane: u32) -> Coef {
#if ALONE
  return mine;
#else
  var best = mine;
  shelf[local][0] = best;
  workgroupBarrier();
  var left = LANES;
  for (; left > 8u; left /= 8u) {
    let some = left / 8u;
    if (lane < some) {
      for (var n = 1u; n < 8u; n += 1u) {
        best = nearer(best, shelf[local + n * some * STRIDE][0], head, middle);
      }
      shelf[local][0] = best;
    }
    workgroupBarrier();
  }
  best = head;
  for (var n = 0u; n < left; n += 1u) {
    best = nearer(best, shelf[local + (n - lane) * STRIDE][0], head, middle);
  }
  workgroupBarrier();
  return best;
#endif
}
