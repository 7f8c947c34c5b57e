import type { Geometry, HostArray } from "@bn/core";
import type { NormRecord } from "../layers/record.ts";
import { piecesOf } from "./pieces.ts";
import { countOf, type Problem } from "./problem.ts";

/** A problem without its values, which may be too many for memory. */
export type Plan = Omit<Problem, "x">;

/** Values of a tensor that form a separate problem, [outer][channels from `channel` on][inner]. */
export interface Part {
  readonly channel: number;
  readonly g: Geometry;
  /** The runs of consecutive values: their positions in the tensor, and their length. */
  readonly starts: readonly number[];
  readonly length: number;
  /** Whether it is the whole tensor. */
  readonly whole: boolean;
}

/** The number of values that a backend gets at a time. One channel may have more, if its own statistics normalize it. */
const MOST = 2 ** 21;

/**
 * The parts of a problem. Only a problem of more than 8 MiB of float32 has more than one. It is cut between channels, and with
 * given statistics between any values.
 */
export function* partsOf({ g, stats }: Plan, most = MOST): Generator<Part> {
  const { outer, channels, inner } = g;
  const size = outer * channels * inner;
  if (size <= most) return yield { channel: 0, g, starts: [0], length: size, whole: true };
  if (stats !== null) {
    for (const piece of piecesOf(g, most)) {
      const length = countOf([piece.g.outer, piece.g.channels, piece.g.inner]);
      yield { channel: piece.channel, g: piece.g, starts: [piece.offset], length, whole: false };
    }
    return;
  }
  const some = Math.max(1, Math.floor(most / (outer * inner)));
  for (let c = 0; c < channels; c += some) {
    const count = Math.min(some, channels - c);
    const starts = Array.from({ length: outer }, (_, o) => (o * channels + c) * inner);
    yield { channel: c, g: { outer, channels: count, inner }, starts, length: count * inner, whole: false };
  }
}

/** The position in the tensor of value `i` of a part. */
export function placeIn({ starts, length }: Part, i: number): number {
  return (starts[Math.floor(i / length)] ?? 0) + (i % length);
}

/** Reads the values of a part. */
export async function gather(
  part: Part,
  read: (start: number, count: number) => Promise<HostArray>,
): Promise<HostArray> {
  const { starts, length } = part;
  if (starts.length === 1) return read(starts[0] as number, length);
  let all: HostArray | null = null;
  for (const [i, start] of starts.entries()) {
    const values = await read(start, length);
    all ??=
      values instanceof Float32Array
        ? new Float32Array(starts.length * length)
        : new Float64Array(starts.length * length);
    all.set(values, i * length);
  }
  return all as HostArray;
}

/** The problem of a part. */
export function problemIn(plan: Plan, part: Part, x: HostArray): Problem {
  if (part.whole) return { ...plan, x };
  const range = rangeOf(part);
  const { stats, affine, after } = plan;
  return {
    ...{ ...plan, x, g: part.g },
    stats: stats && { mean: range(stats.mean), variance: range(stats.variance) },
    affine: affine && { gamma: range(affine.gamma), beta: affine.beta && range(affine.beta) },
    after: after && afterIn(after, part),
  };
}

/** The values per channel that belong to a part. */
export function rangeOf({ channel, g, whole }: Part): <T extends ArrayLike<number>>(values: T) => T | Float64Array {
  return (values) =>
    whole ? values : Float64Array.from({ length: g.channels }, (_, c) => values[channel + c] as number);
}

/** The blobs of a layer that belong to a part. */
export function layerIn(layer: NormRecord | null, part: Part): NormRecord | null {
  if (layer === null || part.whole) return layer;
  const range = (values: HostArray) => {
    const { channel, g } = part;
    return values.slice(channel, channel + g.channels);
  };
  const { mean, variance, factor } = layer.statistics;
  const statistics = { mean: range(mean), variance: range(variance), factor };
  if (layer.type === "BatchNorm") return { ...layer, channels: part.g.channels, statistics };
  const { gamma, beta } = layer;
  return { ...layer, channels: part.g.channels, statistics, gamma: range(gamma), beta: beta && range(beta) };
}

/** gamma and beta of consecutive values, the first of which is the first of a channel of `after`. */
function afterIn({ g, gamma, beta }: NonNullable<Problem["after"]>, { starts, length }: Part): Problem["after"] {
  const [first = 0, period] = [starts[0], g.channels * g.inner];
  if (first % period === 0 && length % period === 0) return { g: { ...g, outer: length / period }, gamma, beta };
  const channels = length / g.inner;
  const own = (values: ArrayLike<number>) =>
    Float64Array.from({ length: channels }, (_, i) => values[(first / g.inner + i) % g.channels] as number);
  return { g: { outer: 1, channels, inner: g.inner }, gamma: own(gamma), beta: beta && own(beta) };
}
