// y = x, bit by bit: numbers of type f32 might lose what NaN or a subnormal number holds (K-9). `units` words, or fours of words.
#include params

#if VEC4
alias Words = vec4u;
#else
alias Words = u32;
#endif

@group(0) @binding(1) var<storage, read> x: array<Words>;
@group(0) @binding(2) var<storage, read_write> y: array<Words>;

@compute @workgroup_size(W)
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
) {
  let group = flat(id, count);
  let stop = min(p.units, (group + 1u) * W * p.items);
  for (var i = group * W * p.items + local; i < stop; i += W) {
    y[i] = x[i];
  }
}
