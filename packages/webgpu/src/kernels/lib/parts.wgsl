// Sums of the parts of channels that are cut into parts: parts[(plane * splits + part) * channels + channel].
@group(0) @binding(9) var<storage, read_write> parts: array<Sums>;

fn keep(plane: u32, here: Place, total: Sums) {
  if (here.lane == 0u && here.channel < p.channels) {
    parts[(plane * p.splits + here.part) * p.channels + here.channel] = total;
  }
}

// This thread's share of the sum over the parts of a channel.
fn shareOfParts(plane: u32, channel: u32, lane: u32) -> Sums {
  var sum = Sums();
  if (channel >= p.channels) {
    return sum;
  }
  var part = lane;
  while (part < p.splits) {
    var runs = Sums();
    for (var count = 0u; count < RUN && part < p.splits; count += 1u) {
      let stop = min(p.splits, part + RUN * LANES);
      var run = Sums();
      for (; part < stop; part += LANES) {
        run += parts[(plane * p.splits + part) * p.channels + channel];
      }
      runs += run;
    }
    sum += runs;
  }
  return sum;
}
