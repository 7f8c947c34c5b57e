import type { Geometry, HostArray } from "@bn/core";

/** The mean, the deviation, and the noise below which a value is zero, for each kind of channel. */
export interface Spread {
  readonly mean: Float64Array;
  readonly std: Float64Array;
  readonly zeros: Float64Array;
}

/** Fills a tensor with mean + std z, where z goes through `noise` from `offset`, over and over. `places` has the kind of each channel. */
export function fillTensor(
  values: HostArray,
  g: Geometry,
  places: Int32Array,
  noise: Float64Array,
  offset: number,
  spread: Spread,
): void {
  if (g.inner === 1 && g.outer > 1) fillChannelsLast(values, g.channels, places, noise, offset, spread);
  else fillRows(values, g, places, noise, offset, spread);
}

function fillRows(
  values: HostArray,
  { outer, channels, inner }: Geometry,
  places: Int32Array,
  noise: Float64Array,
  offset: number,
  { mean, std, zeros }: Spread,
): void {
  const { length } = noise;
  for (let o = 0, i = 0, n = offset % length; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const place = places[c] as number;
      const about = mean[place] as number;
      const by = std[place] as number;
      const zeroBelow = zeros[place] as number;
      for (const end = i + inner; i < end; i++) {
        const z = noise[n] as number;
        values[i] = z < zeroBelow ? zeroOf(n) : about + by * z;
        if (++n === length) n = 0;
      }
    }
  }
}

/** Fills with the same values in one loop. A loop per row of one element would take twice as long. */
function fillChannelsLast(
  values: HostArray,
  channels: number,
  places: Int32Array,
  noise: Float64Array,
  offset: number,
  spread: Spread,
): void {
  const mean = ofChannels(spread.mean, places);
  const std = ofChannels(spread.std, places);
  const zeros = ofChannels(spread.zeros, places);
  const { length } = noise;
  for (let i = 0, c = 0, n = offset % length; i < values.length; i++) {
    const z = noise[n] as number;
    values[i] = z < (zeros[c] as number) ? zeroOf(n) : (mean[c] as number) + (std[c] as number) * z;
    if (++c === channels) c = 0;
    if (++n === length) n = 0;
  }
}

function ofChannels(column: Float64Array, places: Int32Array): Float64Array {
  const values = new Float64Array(places.length);
  for (let c = 0; c < places.length; c++) values[c] = column[places[c] as number] as number;
  return values;
}

/** Adds zeros of both signs. */
const zeroOf = (n: number): number => ((n & 1) === 0 ? 0 : -0);
