/** 2^-53, the unit roundoff of float64. */
export const V = 2 ** -53;

/** The values of one channel, batch by batch. */
export type ChannelBatches = readonly ArrayLike<number>[];

/** A sum in two parts, exact to about 2^-100 of the terms (Knuth's two-sum). */
export class Sum {
  high = 0;
  low = 0;
  add(x: number): void {
    const sum = this.high + x;
    const back = sum - this.high;
    this.low += this.high - (sum - back) + (x - back);
    this.high = sum;
  }
  get value(): number {
    return this.high + this.low;
  }
}

/** Mean and sum of squared deviations, to about the last bit of a float64. */
export function truthOf(batches: ChannelBatches) {
  const sum = new Sum();
  let count = 0;
  let largest = 0;
  for (const batch of batches) {
    for (let i = 0; i < batch.length; i++) {
      sum.add(batch[i] as number);
      largest = Math.max(largest, Math.abs(batch[i] as number));
    }
    count += batch.length;
  }
  const mean = sum.value / count;
  const squares = new Sum();
  const rest = new Sum();
  let spread = 0;
  for (const batch of batches) {
    for (let i = 0; i < batch.length; i++) {
      const d = (batch[i] as number) - mean;
      spread = Math.max(spread, Math.abs(d));
      rest.add(d);
      squares.add(d * d);
    }
  }
  return { count, mean, m2: squares.value - rest.value ** 2 / count, spread, largest };
}

/** The largest errors of the gathered mean and variance: M-3 and M-1. `terms` is N + L of the largest batch. */
export function boundOf(truth: ReturnType<typeof truthOf>, batches: number, terms: number) {
  const { count, mean, m2, spread, largest } = truth;
  const levels = 3 * Math.log2(batches) + 1;
  const h = terms * V * largest;
  const s = (terms + 4) * V;
  const e = s * (spread + h);
  const d = e + 10 * V * levels * spread;
  const root = Math.sqrt(m2 / count) + h;
  const variance = (s + 8 * V * levels) * (root + 2 * d) ** 2 + 4 * d * (root + d);
  // The truth itself is rounded, and so is the quotient.
  return { mean: d + 2 * V * Math.abs(mean), variance: variance + 4 * V * (m2 / count) };
}

/** The values of channel `c` of a tensor [N, C, ...]. */
export function channelOf(data: ArrayLike<number>, shape: readonly number[], c: number): Float64Array {
  const [n = 0, channels = 0, ...rest] = shape;
  const inner = rest.reduce((a, b) => a * b, 1);
  return Float64Array.from({ length: n * inner }, (_, i) => {
    return data[(Math.floor(i / inner) * channels + c) * inner + (i % inner)] as number;
  });
}
