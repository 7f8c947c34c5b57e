import type { Dtype, Geometry, HostArray, Supports } from "@bn/core";
import { random } from "../random.ts";
import { HostArrays } from "./host-arrays.ts";
import { KINDS, kindTables, VARIANTS } from "./kinds.ts";
import { noise, POOL } from "./noise.ts";
import { normalTensor } from "./normal.ts";
import { fillTensor } from "./tensor.ts";

/** Normal tensors begin at so many places of one long array. It is a prime. */
const STARTS = 4093;

/** A value is flat + signed z + absolute |z|, where z is noise. */
interface Factor {
  readonly flat?: number;
  readonly signed?: number;
  readonly absolute?: number;
}

/**
 * The operands of one call, from the text of the seed alone. Each is created when it is requested. `start` is the kind
 * of channel 0. A backend that does not promise NaN and infinities gets normal channels instead of those kinds.
 */
export class CallData {
  readonly #g: Geometry;
  readonly #dtype: Dtype;
  readonly #host: HostArrays;
  /** The index of each channel in the tables of kinds. */
  readonly #places: Int32Array;
  readonly #offset: number;
  /** Whether all channels are normal. */
  readonly #normal: boolean;

  constructor(
    seed: string,
    g: Geometry,
    start: number,
    dtype: Dtype,
    supports: Supports,
    without: readonly string[] = [],
    host = new HostArrays(dtype),
  ) {
    this.#g = g;
    this.#dtype = dtype;
    this.#host = host;
    this.#offset = random(seed).integer(0, POOL - 1);
    const usable = KINDS.map(({ name, needs }, i) =>
      (needs?.nonFinite && !supports.nonFinite) || without.includes(name) ? 0 : i,
    );
    this.#normal = usable.every((kind) => kind === 0);
    this.#places = new Int32Array(g.channels);
    for (let c = 0, k = start % usable.length, v = this.#offset % VARIANTS; c < g.channels; c++) {
      this.#places[c] = (usable[k] as number) * VARIANTS + v;
      if (++k === usable.length) k = 0;
      if (++v === VARIANTS) v = 0;
    }
  }

  /** A normal tensor is part of an array that other calls use. */
  x(): HostArray {
    if (this.#normal) return this.#part("x");
    const { mean, std, zeros, poison } = kindTables(this.#dtype);
    return this.#tensor(this.#offset, mean, std, zeros, poison);
  }

  dy(): HostArray {
    if (this.#normal) return this.#part("dy");
    const { none, dyStd, dyZeros, dyPoison } = kindTables(this.#dtype);
    return this.#tensor(this.#offset + 7919, none, dyStd, dyZeros, dyPoison);
  }

  /** Statistics near those of x, but not equal to them. */
  mean(): HostArray {
    const { mean, std } = kindTables(this.#dtype);
    return this.#perChannel(1, mean, std, { signed: 0.1 });
  }

  variance(): HostArray {
    const { none, variance } = kindTables(this.#dtype);
    return this.#perChannel(2, none, variance, { flat: 0.5, absolute: 0.25 });
  }

  gamma(): HostArray {
    const { gamma, none } = kindTables(this.#dtype);
    return this.#perChannel(3, gamma, none, {});
  }

  beta(): HostArray {
    const { beta, none } = kindTables(this.#dtype);
    return this.#perChannel(4, beta, none, {});
  }

  /** Plausible sums over a batch. */
  sumDy(): HostArray {
    return this.#sums(5);
  }

  sumDyXhat(): HostArray {
    return this.#sums(6);
  }

  /**
   * Former contents of operands that are added into. Half of them are 0, where a small sum shows, and some are in the
   * thousands.
   */
  prior(which: number): HostArray {
    const values = this.#drawn(7 + which, { signed: 0.5, absolute: 0.5 });
    for (let c = 0; c < values.length; c++) {
      const z = values[c] as number;
      if (z > 1) values[c] = (z > 1.5 ? -5000 : 5000) * z;
    }
    return values;
  }

  runningMean(): HostArray {
    return this.#drawn(9, { signed: 10 });
  }

  runningVariance(): HostArray {
    return this.#drawn(10, { absolute: 10 });
  }

  #part(field: "x" | "dy"): HostArray {
    const { outer, channels, inner } = this.#g;
    return normalTensor(this.#dtype, field, this.#offset % STARTS, outer * channels * inner);
  }

  #sums(field: number): HostArray {
    const m = this.#g.outer * this.#g.inner;
    const { none, dyStd } = kindTables(this.#dtype);
    return this.#perChannel(field, none, dyStd, { signed: m });
  }

  #drawn(field: number, factor: Factor): HostArray {
    const { none, one } = kindTables(this.#dtype);
    return this.#perChannel(field, none, one, factor);
  }

  /**
   * base + factor scale, where the factor depends on the channel's own noise. A negative zero keeps its sign, because
   * nothing is added to it.
   */
  #perChannel(field: number, base: Float64Array, scale: Float64Array, factor: Factor): HostArray {
    const { flat = 0, signed = 0, absolute = 0 } = factor;
    const from = noise();
    const values = this.#host.take(this.#g.channels);
    for (let c = 0, n = (this.#offset + 4001 * field) % POOL; c < values.length; c++) {
      const place = this.#places[c] as number;
      const by = scale[place] as number;
      const z = from[n] as number;
      const about = base[place] as number;
      values[c] = by === 0 ? about : about + by * (flat + signed * z + absolute * Math.abs(z));
      if (++n === POOL) n = 0;
    }
    return values;
  }

  /** Repeats the pool. Its length is a prime, so that nearby rows differ. */
  #tensor(offset: number, mean: Float64Array, std: Float64Array, zeros: Float64Array, poison: Float64Array): HostArray {
    const { outer, channels, inner } = this.#g;
    const places = this.#places;
    const values = this.#host.take(outer * channels * inner);
    fillTensor(values, this.#g, places, noise(), offset, { mean, std, zeros });
    const [o, k] = [offset % outer, offset % inner];
    for (let c = 0; c < channels; c++) {
      const value = poison[places[c] as number] as number;
      if (value !== 0) values[(o * channels + c) * inner + k] = value;
    }
    return values;
  }
}
