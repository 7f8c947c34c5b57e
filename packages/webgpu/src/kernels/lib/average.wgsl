// fraction * sum + correction * value, rounded once if the adapter's arithmetic allows it (N-8): the rounding errors of
// the products and of their sum are computed and added. Products of 12-bit halves are exact.
fn lost(a: f32, b: Coef, product: Coef) -> Coef {
  let aHigh = bitcast<f32>(bitcast<u32>(a) & 0xfffff000u);
  let bHigh = bitcast<Coef>(bitcast<Bits>(b) & Bits(0xfffff000u));
  let aLow = a - aHigh;
  let bLow = b - bHigh;
  return (((aHigh * bHigh - product) + aHigh * bLow) + aLow * bHigh) + aLow * bLow;
}

fn averaged(fraction: f32, sum: Coef, correction: f32, value: Coef) -> Coef {
  let kept = fraction * sum;
  let added = correction * value;
  let total = kept + added;
  let part = total - kept;
  let error = (kept - (total - part)) + (added - part);
  let better = total + (error + (lost(fraction, sum, kept) + lost(correction, value, added)));
  return select(total, better, isFinite(better));
}
