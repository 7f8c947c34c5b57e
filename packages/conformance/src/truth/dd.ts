/**
 * Double-double: an unevaluated sum hi + lo with |lo| <= ulp(hi) / 2, which has some 104 bits. The oracle computes with
 * it, so that its own error is negligible compared with u = 2^-53. Source: Dekker 1971, Knuth TAOCP 4.2.2.
 */
export interface DD {
  readonly hi: number;
  readonly lo: number;
}

export function dd(value: number): DD {
  return { hi: value, lo: 0 };
}

export const ZERO = dd(0);
export const ONE = dd(1);

export function add(a: DD, b: DD): DD {
  const s = a.hi + b.hi;
  const t = s - a.hi;
  return join(s, a.hi - (s - t) + (b.hi - t) + (a.lo + b.lo));
}

export function sub(a: DD, b: DD): DD {
  return add(a, { hi: -b.hi, lo: -b.lo });
}

export function mul(a: DD, b: DD): DD {
  const p = a.hi * b.hi;
  const [ah, bh] = [high(a.hi), high(b.hi)];
  const [al, bl] = [a.hi - ah, b.hi - bh];
  return join(p, ah * bh - p + ah * bl + al * bh + al * bl + (a.hi * b.lo + a.lo * b.hi));
}

export function div(a: DD, b: DD): DD {
  const q = a.hi / b.hi;
  if (!Number.isFinite(q) || !Number.isFinite(b.hi)) return dd(q);
  return join(q, sub(a, mul(dd(q), b)).hi / b.hi);
}

export function sqrt(a: DD): DD {
  const s = Math.sqrt(a.hi);
  if (s === 0 || !Number.isFinite(s)) return dd(s);
  return join(s, sub(a, mul(dd(s), dd(s))).hi / (2 * s));
}

/** Infinities and NaN have no low part. */
function join(hi: number, lo: number): DD {
  if (!Number.isFinite(hi)) return dd(hi);
  const s = hi + lo;
  return { hi: s, lo: lo - (s - hi) };
}

/** The upper 26 bits of a. */
function high(a: number): number {
  if (Math.abs(a) > 2 ** 990 && Number.isFinite(a)) return high(a * 2 ** -30) * 2 ** 30;
  const c = 134217729 * a;
  return c - (c - a);
}
