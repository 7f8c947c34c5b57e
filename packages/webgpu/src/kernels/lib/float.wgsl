fn isFinite(v: Coef) -> Choice {
  return (bitcast<Bits>(v) & Bits(0x7f800000u)) != Bits(0x7f800000u); // a compiler may assume that v == v and v < inf are true
}

// Whether both sums are finite.
fn areFinite(sums: Sums) -> Choice {
  return isFinite(sums[0]) & isFinite(sums[1]);
}

fn either(a: Sums, b: Sums, isB: Choice) -> Sums {
  return Sums(select(a[0], b[0], isB), select(a[1], b[1], isB));
}

// sum / n, exact if the quotient is representable (N-7). WGSL's own division may err by 2.5 ulp. The remainder is
// computed with 12-bit halves, whose products are exact, and is divided once more.
fn divide(sum: Coef, n: u32) -> Coef {
  let d = f32(n);
  let q = sum / d;
  let qHigh = bitcast<Coef>(bitcast<Bits>(q) & Bits(0xfffff000u));
  let qLow = q - qHigh;
  let dHigh = f32(n & 0xfffff000u);
  let dLow = f32(n & 0xfffu);
  let rest = (((sum - qHigh * dHigh) - qHigh * dLow) - qLow * dHigh) - qLow * dLow;
  let better = q + rest / d;
  return select(q, better, isFinite(better));
}
