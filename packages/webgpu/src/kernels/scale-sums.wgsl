// GAMMA: adds sum dy * x of each channel into dGamma; BETA: adds sum dy into dBeta (K-6).
#include params
#include reduce
#include parts
#include sums

@group(0) @binding(1) var<storage, read> dy: array<Value>;
#if GAMMA
@group(0) @binding(2) var<storage, read> x: array<Value>;
@group(0) @binding(3) var<storage, read_write> dGamma: array<f32>;
#endif
#if BETA
@group(0) @binding(4) var<storage, read_write> dBeta: array<f32>;
#endif

struct Operands {
  unused: f32,
}

fn operands(channel: u32) -> Operands {
  return Operands();
}

fn term(at: u32, k: Operands) -> Pair {
  let g = dy[at];
#if GAMMA
  return Pair(g, g * x[at]);
#else
  return Pair(g, Value(0.0));
#endif
}

fn store(c: u32, sums: vec2f) {
#if GAMMA
  dGamma[c] += sums.y;
#endif
#if BETA
  dBeta[c] += sums.x;
#endif
}
