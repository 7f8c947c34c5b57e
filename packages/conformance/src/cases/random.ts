/**
 * A stream of random numbers that depends only on the text of its seed. It is the same on every machine and in every
 * version.
 */
export interface Random {
  /** In [0, 1), 53 bits. */
  uniform(): number;
  /** Mean 0, deviation 1, within [-6, 6]. */
  normal(): number;
  /** A whole number in [from, to]. */
  integer(from: number, to: number): number;
}

/** sfc32 (Chris Doty-Humphrey, PractRand), seeded by FNV-1a of `seed`. */
export function random(seed: string): Random {
  let [a, b, c, d] = [fnv1a(seed), fnv1a(`${seed}|b`), fnv1a(`${seed}|c`), 1];
  const bits = () => {
    const t = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    return t >>> 0;
  };
  for (let i = 0; i < 12; i++) bits();
  const uniform = () => ((bits() >>> 5) * 2 ** 26 + (bits() >>> 6)) * 2 ** -53;
  // It adds twelve uniform numbers, because Math.log and Math.cos may differ by an ulp between engines.
  const normal = () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += (bits() + 0.5) * 2 ** -32;
    return sum;
  };
  return {
    uniform,
    normal,
    integer: (from, to) => from + Math.floor(uniform() * (to - from + 1)),
  };
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}
