// Tests how this adapter treats numbers that WGSL lets it disregard; src/probe.ts reads the answers.
#include params
#include inverse-root

@group(0) @binding(1) var<storage, read> given: array<f32>; // holds NaN, infinity, 0
@group(0) @binding(2) var<storage, read_write> found: array<f32>;

@compute @workgroup_size(1)
fn main() {
  let nan = given[0];
  let infinity = given[1];
  let zero = given[2]; // read from memory, because compilers fold the literal 0.0
  let tiny = p.value; // the smallest normal number
  found[0] = nan + 1.0;
  found[1] = nan * zero;
  found[2] = infinity - infinity;
  found[3] = infinity * zero;
  found[4] = inverseRoot(nan, 0.0);
  found[5] = inverseRoot(-1.0 / tiny, 0.0);
  found[6] = infinity + 1.0;
  found[7] = inverseRoot(zero, 0.0);
  found[8] = tiny * 0.5;
  found[9] = tiny * 0.5 + tiny * 0.25;
  found[10] = tiny - tiny * 1.5;
}
