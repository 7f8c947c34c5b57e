/** Converts an IEEE 754 binary16 to a number. Every binary16 is also a float32. */
export function halfToNumber(bits: number): number {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The properties of a narrow format: bits of the significand, and the least and largest exponent of normal numbers. */
const FORMATS = {
  float16: { digits: 11, least: -14, most: 15 },
  bfloat16: { digits: 8, least: -126, most: 127 },
} as const;
export type Narrow = keyof typeof FORMATS;

/** The unit roundoff of a narrow format, and half of its smallest subnormal number. */
export function narrowPrecision(format: Narrow): { readonly u: number; readonly eta: number } {
  const { digits, least } = FORMATS[format];
  return { u: 2 ** -digits, eta: 2 ** (least - digits) };
}

/** The nearest number of a narrow format, with ties to even; infinite beyond its largest number. */
export function roundTo(format: Narrow, value: number): number {
  if (!Number.isFinite(value) || value === 0) return value;
  const { digits, least, most } = FORMATS[format];
  const size = Math.abs(value);
  const unit = 2 ** (Math.max(Math.floor(Math.log2(size)), least) - digits + 1);
  const below = Math.floor(size / unit);
  const rest = size / unit - below;
  const rounded = (rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below) * unit;
  return Math.sign(value) * (rounded >= 2 ** (most + 1) ? Number.POSITIVE_INFINITY : rounded);
}
