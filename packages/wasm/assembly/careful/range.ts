/**
 * Decides for which channels the ordinary maps are right. In others an intermediate result could overflow, or lose bits
 * as a subnormal, although the final result does not. maps.ts handles those.
 */

import { inverseOf, meanOf } from "../coefficients";
import { job } from "../job";
import { finite, loadTail, zero } from "../vector";

/** Differences with numbers below this do not overflow. */
export function differenceLimit<T>(): f64 {
  return sizeof<T>() === 4 ? 1.2676506002282294e30 : 9.745314011399999e288; // 2^100, 2^960
}

/** Slopes below this can be multiplied by an equally large x^. */
export function slopeLimit<T>(): f64 {
  return sizeof<T>() === 4 ? 1152921504606847000 : 3.273390607896142e150; // about 2^60, 2^500
}

export function smallest<T>(): f64 {
  return sizeof<T>() === 4 ? 1.1754943508222875e-38 : 2.2250738585072014e-308;
}

export function largest<T>(): f64 {
  return sizeof<T>() === 4 ? 3.4028234663852886e38 : 1.7976931348623157e308;
}

/** Whether all n values from p on are below the limit of differences. True if there are no values (p is 0). */
export function differencesInRange<T>(p: usize, n: u32): bool {
  if (!p) return true;
  const lanes: u32 = 16 / sizeof<T>();
  let most = zero();
  for (; n >= lanes; n -= lanes) {
    most = v128.pmax<T>(most, v128.abs<T>(v128.load(p)));
    p += 16;
  }
  if (n > 0) most = v128.pmax<T>(most, v128.abs<T>(loadTail<T>(p, n)));
  const below = v128.lt<T>(most, v128.splat<T>(<T>differenceLimit<T>()));
  return sizeof<T>() === 4 ? v128.all_true<i32>(below) : v128.all_true<i64>(below);
}

function scaleInRange<T>(channel: u32, scale: T): bool {
  const s = abs(f64(scale));
  if (s >= smallest<T>() && s <= largest<T>()) return true;
  return job.gamma !== 0 && load<T>(job.gamma + channel * sizeof<T>()) === 0;
}

/** Whether the ordinary map is right for a channel with these coefficients. */
export function mapInRange<T>(channel: u32, mean: T, scale: T, beta: T): bool {
  if (!job.variance) return true; // K-5 rounds once per operation, whatever the result
  const limit = differenceLimit<T>();
  return abs(f64(mean)) < limit && abs(f64(beta)) < limit && scaleInRange<T>(channel, scale);
}

export function gradientInRange<T>(channel: u32, mean: T, share: T, slope: T, scale: T): bool {
  const limit = differenceLimit<T>();
  if (!(abs(f64(mean)) < limit && abs(f64(share)) < limit && scaleInRange<T>(channel, scale))) return false;
  const sum = abs(f64(load<T>(job.sumDyXhat + channel * sizeof<T>())));
  const c = abs(f64(slope));
  // Checks that sum / m is normal for every m.
  return sum === 0 || (sum < slopeLimit<T>() && c < slopeLimit<T>() && sum >= 1e-290 && c >= smallest<T>());
}

/**
 * Whether a channel's statistics and gamma are finite, so that the careful kernel helps if the channel is out of range.
 */
export function canBeHelped<T>(channel: u32): bool {
  const gamma = job.gamma ? f64(load<T>(job.gamma + channel * sizeof<T>())) : 1;
  return finite(f64(meanOf<T>(channel))) && finite(inverseOf<T>(channel)) && finite(gamma);
}
