import type { ChannelAffine } from "./affine.ts";
import type { Variant } from "./variants.ts";

/**
 * Statistics that were applied to other channels: shifted, reversed, or with groups and the channels of a group
 * exchanged.
 */
export function* movedChannels(affine: ChannelAffine, channels: number, gains: Float64Array): Generator<Variant> {
  for (const { id, name, from } of moves(affine, channels, gains)) {
    const at = (values: Float64Array) => values.map((_, c) => values[from(c)] as number);
    const other = { mean: at(affine.mean), gain: at(affine.gain), beta: at(affine.beta) };
    for (const part of ["all", "weights", "bias"] as const) yield { id, name, affine: other, part };
  }
}

interface Move {
  readonly id: string;
  readonly name: string;
  from(c: number): number;
}

function* moves({ gain }: ChannelAffine, channels: number, gains: Float64Array): Generator<Move> {
  for (const by of shifts(gain, gains, channels)) {
    const shown = by > channels / 2 ? by - channels : by;
    yield { id: `shift ${by}`, name: `channels are shifted by ${shown}`, from: (c) => (c + by) % channels };
  }
  if (channels > 2) yield { id: "reversed", name: "channels are reversed", from: (c) => channels - 1 - c };
  for (let groups = 2; groups <= channels / 2; groups++) {
    if (channels % groups !== 0) continue;
    const each = channels / groups;
    yield {
      ...{ id: `groups ${groups}`, name: `channels of ${groups} groups are exchanged with their groups` },
      from: (c) => (c % groups) * each + Math.floor(c / groups),
    };
    yield {
      ...{ id: `first ${groups}`, name: `every group takes the statistics of the first of ${groups}` },
      from: (c) => c % each,
    };
    yield {
      ...{ id: `group ${groups}`, name: `all channels of a group of ${groups} take the statistics of one` },
      from: (c) => Math.floor(c / each),
    };
  }
  if (channels > 1) yield { id: "one", name: "all channels take the statistics of the first", from: () => 0 };
}

/** The four shifts that match the fitted gains best; without gains, the smallest shifts. */
function shifts(gain: Float64Array, gains: Float64Array, channels: number): number[] {
  if (channels > 4096) return [1, 2, channels - 2, channels - 1]; // the comparison is quadratic
  const misfit = (by: number) => {
    let sum = 0;
    for (let c = 0; c < channels; c++) {
      const [is, would] = [gains[c] as number, gain[(c + by) % channels] as number];
      if (Number.isFinite(is)) sum += Math.min(1, Math.abs(is - would) / (Math.abs(would) + Number.MIN_VALUE));
    }
    return sum;
  };
  return Array.from({ length: Math.max(0, channels - 1) }, (_, i) => i + 1)
    .map((by) => ({ by, cost: misfit(by) }))
    .toSorted((a, b) => a.cost - b.cost)
    .slice(0, 4)
    .map(({ by }) => by);
}
