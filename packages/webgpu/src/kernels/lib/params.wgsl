// The parameters that the host passes to a dispatch; src/params.ts writes them. A unit is a vector of four values if
// VEC4 is set, otherwise one value.
struct Params {
  channels: u32, // channels in a row; quads of channels if COEF4 is set
  groups: u32,   // workgroups that cover the work
  each: u32, // units per part; in a map with ACROSS, units per channel
  items: u32, // units per thread of a map
  inner: u32,    // units in a run of one channel
  units: u32, // units of a channel; in a map, units of the tensor; in fill, values
  splits: u32,   // parts that a channel is cut into
  runs: u32, // runs per workgroup of a map
  m: u32, // values per channel
  eps: f32,
  inverseM: f32, // 1 / m
  fraction: f32,
  correction: f32,
  value: f32,
}

@group(0) @binding(0) var<uniform> p: Params;

#if VEC4
alias Value = vec4f;
#else
alias Value = f32;
#endif
// Per-channel operands. They hold four channels at once if adjacent values in memory belong to adjacent channels.
#if COEF4
alias Coef = vec4f;
alias Bits = vec4u;
alias Choice = vec4<bool>;
alias Sums = mat2x4f; // two numbers per channel
#else
alias Coef = f32;
alias Bits = u32;
alias Choice = bool;
alias Sums = vec2f;
#endif

// p.inner, which the compiler knows with INNER1: a division by it is some twenty instructions.
fn inner() -> u32 {
#if INNER1
  return 1u;
#else
  return p.inner;
#endif
}

// A dispatch is folded into two dimensions, because one dimension holds 65,535 workgroups (src/dispatch.ts).
fn flat(id: vec3u, count: vec3u) -> u32 {
  return id.x + id.y * count.x;
}
