// sum dy and sum dy * x^ of each channel (K-3, N-5); GAMMA, BETA: adds them into the gradients of gamma and beta.
#include params
#include inverse-root
#include reduce
#include parts
#include sums

@group(0) @binding(1) var<storage, read> dy: array<Value>;
@group(0) @binding(2) var<storage, read> x: array<Value>;
@group(0) @binding(3) var<storage, read> mean: array<f32>;
@group(0) @binding(4) var<storage, read> variance: array<f32>;
@group(0) @binding(5) var<storage, read_write> sumDy: array<f32>;
@group(0) @binding(6) var<storage, read_write> sumDyXhat: array<f32>;
#if GAMMA
@group(0) @binding(7) var<storage, read_write> dGamma: array<f32>;
#endif
#if BETA
@group(0) @binding(8) var<storage, read_write> dBeta: array<f32>;
#endif

struct Operands {
  mean: f32,
  r: f32,
}

fn operands(channel: u32) -> Operands {
  let c = min(channel, p.channels - 1u);
  return Operands(mean[c], inverseRoot(variance[c] + p.eps));
}

fn term(at: u32, k: Operands) -> Pair {
  let g = dy[at];
  return Pair(g, g * ((x[at] - k.mean) * k.r));
}

fn store(c: u32, sums: vec2f) {
  sumDy[c] = sums.x;
  sumDyXhat[c] = sums.y;
#if GAMMA
  dGamma[c] += sums.y;
#endif
#if BETA
  dBeta[c] += sums.x;
#endif
}
