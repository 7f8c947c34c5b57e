/** What ends a channel's moments. */
import { job } from "../../job";
import { count } from "../../shape";
import { finite } from "../../vector";

/** Squares about the channel's mean of n values with sum a and squares q about a shift that lies `offset` from it. */
export function about(n: f64, inverse: f64, a: f64, q: f64, offset: f64): f64 {
  const own = a * inverse;
  return q - a * own + n * (offset + own) * (offset + own);
}

/** mean = pivot + delta and variance = squares / m; sums that are not finite are taken again, plainly, in float64. */
export function put<T>(channel: u32, pivot: f64, sum: f64, delta: f64, squares: f64): void {
  if (!(squares < Infinity)) {
    plainly<T>(channel, finite(sum), pivot + delta);
    return;
  }
  store<T>(job.mean + channel * sizeof<T>(), <T>(pivot + delta));
  store<T>(job.variance + channel * sizeof<T>(), <T>(max<f64>(squares, 0) / count()));
}

/** Infinities, NaN, and squares that exceed the dtype: slow, and with the results of plain float64. */
function plainly<T>(channel: u32, known: bool, mean: f64): void {
  const m = count();
  const x = job.x + channel * job.inner * sizeof<T>();
  const stride = job.channels * job.inner * sizeof<T>();
  if (!known) {
    let sum: f64 = 0;
    for (let o: u32 = 0; o < job.outer; o++) {
      for (let i: u32 = 0; i < job.inner; i++) sum += f64(load<T>(x + o * stride + i * sizeof<T>()));
    }
    mean = sum / m;
  }
  let squares: f64 = 0;
  for (let o: u32 = 0; o < job.outer; o++) {
    for (let i: u32 = 0; i < job.inner; i++) {
      const d = f64(load<T>(x + o * stride + i * sizeof<T>())) - mean;
      squares += d * d;
    }
  }
  store<T>(job.mean + channel * sizeof<T>(), <T>mean);
  store<T>(job.variance + channel * sizeof<T>(), <T>(squares / m));
}
