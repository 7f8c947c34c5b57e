/**
 * Whether the ordinary maps are right for a channel with these coefficients. With others, a difference or product could
 * overflow, or lose bits as a subnormal, although the result would not. careful/maps.ts handles those.
 */
export function mapInRange(mean: number, scale: number, beta: number, gamma: number): boolean {
  return Math.abs(mean) < LARGE && Math.abs(beta) < LARGE && scaleInRange(scale, gamma);
}

export function gradientInRange(
  mean: number,
  share: number,
  slope: number,
  scale: number,
  gamma: number,
  sumDyXhat: number,
): boolean {
  return (
    Math.abs(mean) < LARGE &&
    Math.abs(share) < LARGE &&
    scaleInRange(scale, gamma) &&
    (sumDyXhat === 0 || (inSlopes(sumDyXhat) && inSlopes(slope)))
  );
}

/** Differences with numbers below this do not overflow. */
const LARGE = 2 ** 960;

function scaleInRange(scale: number, gamma: number): boolean {
  const size = Math.abs(scale);
  return (size >= 2 ** -1022 && size <= Number.MAX_VALUE) || gamma === 0;
}

/** Below 2^500 the value can be multiplied by an equally large x^. Above 2^-960 a sum divided by m is normal. */
function inSlopes(value: number): boolean {
  const size = Math.abs(value);
  return size > 2 ** -960 && size < 2 ** 500;
}
