// fraction * sum + correction * value, rounded once where the adapter's arithmetic allows (N-8): what products and their
// sum lose is found and added. Halves of 12 bits have exact products.
fn lost(a: f32, b: f32, product: f32) -> f32 {
  let aHigh = bitcast<f32>(bitcast<u32>(a) & 0xfffff000u);
  let bHigh = bitcast<f32>(bitcast<u32>(b) & 0xfffff000u);
  let aLow = a - aHigh;
  let bLow = b - bHigh;
  return (((aHigh * bHigh - product) + aHigh * bLow) + aLow * bHigh) + aLow * bLow;
}

fn averaged(fraction: f32, sum: f32, correction: f32, value: f32) -> f32 {
  let kept = fraction * sum;
  let added = correction * value;
  let total = kept + added;
  let part = total - kept;
  let error = (kept - (total - part)) + (added - part);
  let better = total + (error + (lost(fraction, sum, kept) + lost(correction, value, added)));
  return select(total, better, isFinite(better));
}
