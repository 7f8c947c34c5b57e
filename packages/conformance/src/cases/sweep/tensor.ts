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
  const float64 = values instanceof Float64Array;
  if (!float64 && scratch.length < values.length) scratch = new Float64Array(values.length);
  const wide = float64 ? values : scratch.subarray(0, values.length);
  if (g.inner === 1 && g.outer > 1) fillChannelsLast(wide, g.channels, places, noise, offset, spread);
  else fillRows(wide, g, places, noise, offset, spread);
  if (!float64) values.set(wide);
}

/** Memory for a tensor before it is rounded to float32: loops over one type of array are fast. */
let scratch = new Float64Array(0);

function fillRows(
  values: Float64Array,
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
      if (zeroBelow === Number.NEGATIVE_INFINITY && n + inner < length) {
        for (const end = i + inner; i < end; i++, n++) values[i] = about + by * (noise[n] as number);
        continue;
      }
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
  values: Float64Array,
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
    const value = (mean[c] as number) + (std[c] as number) * z;
    values[i] = z < (zeros[c] as number) ? zeroOf(n) : value;
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
