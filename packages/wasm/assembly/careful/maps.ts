/**
 * The maps of one channel whose coefficients are outside the dtype's range, or so near its ends that a product could
 * be. Factors are scaled to [1/2, 1), exponents are added up separately, and the result is rounded once when it is
 * stored.
 */
import { job } from "../job";
import { finite } from "../vector";
import { deviation, deviationExponent, isHuge, openChannel, r, rExponent } from "./channel";
import { exponentOf, scaleBy } from "./scaled";
import { carefulSums, dotSum, dotSumExponent, dySum, dySumExponent } from "./sums";

/** gamma * r = scale * 2^scaleExponent. */
let scale: f64 = 1;
let scaleExponent: i32 = 0;
let beta: f64 = 0;
/** sum dy / m, and r sum dy x^ / m = slope * 2^slopeExponent. */
let share: f64 = 0;
let slope: f64 = 0;
let slopeExponent: i32 = 0;

function openScale<T>(channel: u32): bool {
  if (!openChannel<T>(channel)) return false;
  const gamma = job.gamma ? f64(load<T>(job.gamma + channel * sizeof<T>())) : 1;
  const e = exponentOf(gamma);
  scale = r * scaleBy(gamma, -e);
  scaleExponent = rExponent + e;
  return finite(gamma);
}

/** y = (x - mean) scale + beta of one channel. Returns false, without writing, if a coefficient is not finite. */
export function carefulNormalize<T>(channel: u32): bool {
  beta = job.beta ? f64(load<T>(job.beta + channel * sizeof<T>())) : -0.0;
  if (!openScale<T>(channel) || !finite(beta)) return false;
  const plane = job.inner * sizeof<T>();
  for (let o: u32 = 0; o < job.outer; o++) normalizeRun<T>((o * job.channels + channel) * plane, plane);
  return true;
}

function normalizeRun<T>(offset: usize, bytes: usize): void {
  const e = scaleExponent + deviationExponent;
  for (const end = offset + bytes; offset !== end; offset += sizeof<T>()) {
    const d = deviation(f64(load<T>(job.x + offset)));
    let y = d * scale + beta; // right if d is NaN or infinite
    if (finite(d)) {
      const f = exponentOf(d);
      const t = scaleBy(d, -f) * scale;
      y = isHuge(beta) ? (scaleBy(t, e + f - 2) + beta * 0.25) * 4 : scaleBy(t, e + f) + beta;
    }
    store<T>(job.y + offset, <T>y);
  }
}

/**
 * dx = scale (dy - share - (x - mean) slope) of one channel. Returns false, without writing, if a coefficient is not
 * finite.
 */
export function carefulGradient<T>(channel: u32): bool {
  share = f64(load<T>(job.sumDy + channel * sizeof<T>()));
  slope = f64(load<T>(job.sumDyXhat + channel * sizeof<T>()));
  if (finite(share) && finite(slope)) {
    slopeExponent = exponentOf(slope);
    share /= job.m;
    slope = scaleBy(slope, -slopeExponent) / job.m;
  } else {
    if (!job.fused || !carefulSums<T>(channel)) return false;
    slopeExponent = dotSumExponent;
    share = scaleBy(dySum / job.m, dySumExponent);
    slope = dotSum / job.m;
  }
  if (!openScale<T>(channel)) return false;
  slope *= r;
  slopeExponent += rExponent + deviationExponent;
  const plane = job.inner * sizeof<T>();
  for (let o: u32 = 0; o < job.outer; o++) gradientRun<T>((o * job.channels + channel) * plane, plane);
  return true;
}

function gradientRun<T>(offset: usize, bytes: usize): void {
  const quarter: f64 = isHuge(share) ? 0.25 : 1;
  const shareExponent: i32 = isHuge(share) ? 2 : 0;
  for (const end = offset + bytes; offset !== end; offset += sizeof<T>()) {
    const u = f64(load<T>(job.dy + offset)) * quarter - share * quarter;
    const d = deviation(f64(load<T>(job.x + offset)));
    let dx = u - d; // right if the difference is NaN
    if (finite(u) && finite(d)) {
      const f = exponentOf(d) + slopeExponent;
      const w = scaleBy(d, -exponentOf(d)) * slope;
      const e = max(exponentOf(u) + shareExponent, f);
      dx = scaleBy((scaleBy(u, shareExponent - e) - scaleBy(w, f - e)) * scale, e + scaleExponent);
    }
    store<T>(job.y + offset, <T>dx);
  }
}
