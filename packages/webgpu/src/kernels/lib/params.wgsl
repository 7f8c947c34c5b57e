// What the host tells a dispatch: src/params.ts writes it. Units are vectors of four values where VEC4, else values.
struct Params {
  channels: u32, // in a row; quads of channels where COEF4
  inner: u32,    // units in a run of one channel
  units: u32,    // units of a channel; of the tensor in a map; values in fill
  groups: u32,   // workgroups that cover the work
  splits: u32,   // parts that a channel is cut into
  each: u32,     // units of a part
  items: u32,    // units of a thread of a map
  runs: u32,     // runs of a workgroup of a map
  m: u32,        // values of a channel
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
// Per-channel operands: four channels at once where neighbours in memory are neighbouring channels.
#if COEF4
alias Coef = vec4f;
#else
alias Coef = f32;
#endif

// A dispatch is folded into two dimensions, since one holds 65,535 workgroups: src/dispatch.ts.
fn flat(id: vec3u, count: vec3u) -> u32 {
  return id.x + id.y * count.x;
}
