// The input and the output of a map (lib/map.wgsl) that reads one tensor, x. The kernel binds x, unless y is x, and y.
fn bound() -> u32 {
#if IN_PLACE
  return arrayLength(&y);
#else
  return min(arrayLength(&x), arrayLength(&y));
#endif
}

alias Input = Value; // x

fn input(at: u32) -> Input {
#if IN_PLACE
  return y[at];
#else
  return x[at];
#endif
}

fn put(at: u32, v: Value) {
  y[at] = v;
}
