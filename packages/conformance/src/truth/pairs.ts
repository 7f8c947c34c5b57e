/**
 * Double-double without objects, for loops over whole tensors. Each function returns the high part and stores the low
 * part in `low[0]`. Destructuring is avoided, because engines do not inline it. The arithmetic is that of dd.ts (a test
 * compares them), some twenty times faster.
 */
export const low = new Float64Array(1);

/** 2^27 + 1: the upper 26 bits of a are c - (c - a) with c = SPLIT a. */
export const SPLIT = 134217729;

/** a + b exactly. */
export function twoSum(a: number, b: number): number {
  const s = a + b;
  const t = s - a;
  low[0] = a - (s - t) + (b - t);
  return s;
}

/** Returns (ah + al) + (bh + bl). */
export function addPairs(ah: number, al: number, bh: number, bl: number): number {
  const s = ah + bh;
  const t = s - ah;
  return join(s, ah - (s - t) + (bh - t) + (al + bl));
}

/** Returns (ah + al) (bh + bl). Parts beyond 2^990 occur only with infinities. */
export function multiplyPairs(ah: number, al: number, bh: number, bl: number): number {
  const p = ah * bh;
  const as = SPLIT * ah;
  const bs = SPLIT * bh;
  const a1 = as - (as - ah);
  const b1 = bs - (bs - bh);
  const a2 = ah - a1;
  const b2 = bh - b1;
  return join(p, a1 * b1 - p + a1 * b2 + a2 * b1 + a2 * b2 + (ah * bl + al * bh));
}

/** Infinities and NaN have no low part. */
function join(hi: number, lo: number): number {
  const s = hi + lo;
  const rest = lo - (s - hi);
  if (rest - rest !== 0) {
    low[0] = 0;
    return hi;
  }
  low[0] = rest;
  return s;
}

/** (ah + al) / (bh + bl). */
export function dividePairs(ah: number, al: number, bh: number, bl: number): number {
  const q = ah / bh;
  low[0] = 0;
  if (q - q !== 0 || bh - bh !== 0) return q;
  const p = multiplyPairs(q, 0, bh, bl);
  const rest = addPairs(ah, al, -p, -(low[0] as number));
  return join(q, rest / bh);
}

/** The root of ah + al. */
function rootOfPair(ah: number, al: number): number {
  const s = Math.sqrt(ah);
  low[0] = 0;
  if (s === 0 || s - s !== 0) return s;
  const p = multiplyPairs(s, 0, s, 0);
  const rest = addPairs(ah, al, -p, -(low[0] as number));
  return join(s, rest / (2 * s));
}

/** 1 / sqrt(ah + al). */
export function reciprocalRootOfPair(ah: number, al: number): number {
  if (!(ah > 2 ** -900 && ah < 2 ** 900)) {
    const s = rootOfPair(ah, al);
    return dividePairs(1, 0, s, low[0] as number);
  }
  // One Newton step: r + r (1 - a r^2) / 2.
  const r = 1 / Math.sqrt(ah);
  const square = multiplyPairs(r, 0, r, 0);
  const product = multiplyPairs(square, low[0] as number, ah, al);
  return join(r, 0.5 * r * (1 - product - (low[0] as number)));
}
