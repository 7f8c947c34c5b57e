fn isFinite(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7f800000u) != 0x7f800000u; // a compiler may assume that v == v and v < inf are true
}

// sum / n, exact if the quotient is representable (N-7). WGSL's own division may err by 2.5 ulp. The remainder is
// computed with 12-bit halves, whose products are exact, and is divided once more.
fn divide(sum: f32, n: u32) -> f32 {
  let d = f32(n);
  let q = sum / d;
  let qHigh = bitcast<f32>(bitcast<u32>(q) & 0xfffff000u);
  let qLow = q - qHigh;
  let dHigh = f32(n & 0xfffff000u);
  let dLow = f32(n & 0xfffu);
  let rest = (((sum - qHigh * dHigh) - qHigh * dLow) - qLow * dHigh) - qLow * dLow;
  let better = q + rest / d;
  return select(q, better, isFinite(better));
}
