// The input, which is the output of a map in place.
#if !IN_PLACE
@group(0) @binding(1) var<storage, read> input: array<Value>;
#endif

fn unit(at: u32) -> Value {
#if IN_PLACE
  return output[at];
#else
  return input[at];
#endif
}

fn total(v: Value) -> f32 {
#if VEC4
  return (v.x + v.y) + (v.z + v.w);
#else
  return v;
#endif
}
