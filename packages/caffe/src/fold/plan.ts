import {
  affineOf,
  type FoldedWeights,
  type FoldOptions,
  type FoldTask,
  foldBehind,
  isNormRecord,
  lossOf,
  type NormRecord,
  unusable,
} from "@bn/onnx";
import type { CaffeRecord } from "../layers/record.ts";
import { storedLayer } from "../layers/stored.ts";
import { type Network, type NetworkLayer, readersOf } from "../net/network.ts";
import { isCarrier, type Weighted, weightedOf } from "./carrier.ts";

/** A layer with the normalizations that are folded into it, in order, and its new weights. */
export interface PlannedFold {
  readonly layer: NetworkLayer;
  readonly weighted: Weighted;
  readonly records: readonly CaffeRecord[];
  readonly steps: FoldTask["steps"];
  readonly folded: FoldedWeights;
  /** Layers that are removed. */
  readonly gone: readonly NetworkLayer[];
  /** The name of the blob after the last of them. */
  readonly top: string;
  readonly lostDigits: number;
}

/** Limits on what is folded. */
export type FoldLimits = Pick<FoldOptions, "maxLostDigits" | "leave">;

export interface Plan {
  readonly folds: readonly PlannedFold[];
  readonly left: readonly { readonly record: CaffeRecord; readonly reason: string }[];
}

/** Finds the records that can be folded into the layer before them. It changes nothing. */
export function planFolds(network: Network, records: readonly CaffeRecord[], limits: FoldLimits): Plan {
  const byLayer = new Map<NetworkLayer, PlannedFold>();
  const left: { record: CaffeRecord; reason: string }[] = [];
  for (const record of records) {
    const done = planOne(network, record, byLayer, limits);
    if (typeof done === "string") left.push({ record, reason: done });
    else byLayer.set(done.layer, done);
  }
  return { folds: [...byLayer.values()], left };
}

function planOne(
  network: Network,
  record: CaffeRecord,
  planned: ReadonlyMap<NetworkLayer, PlannedFold>,
  { maxLostDigits = Number.POSITIVE_INFINITY, leave }: FoldLimits,
): PlannedFold | string {
  const own = record.caffe.layers.map(({ name, type }) => {
    return network.layers.find((layer) => layer.name === name && layer.type === type);
  });
  const [first, last] = [own[0], own.at(-1)];
  if (!first || !last || own.includes(undefined)) return "it is not in the net";
  if (isNormRecord(record) && record.phase !== "test") return "it uses the batch's statistics";
  if (record.caffe.shared.length > 0) return `it shares ${record.caffe.shared[0]?.parameter} with other layers`;
  if (record.gamma === null && record.type === "Scale") return "its scale comes as a second bottom";
  if (record.parameterShape.length !== 1 || record.axis !== 1) return "its values do not lie along axis 1";
  const source = sourceOf(network, first, [...planned.values()]);
  if (typeof source === "string") return source;
  const { carrier, earlier } = source;
  const name = `${carrier.type} "${carrier.name}"`;
  const weighted = earlier?.weighted ?? weightedOf(carrier, storedLayer(carrier, network).blobs);
  if (typeof weighted === "string") return `${name}: ${weighted}`;
  const { outputs } = weighted.layout;
  if (record.channels !== outputs) return `it has ${record.channels} channels, but ${name} has ${outputs} outputs`;
  const affine = affineOf(record);
  const wrong = unusable(affine) ?? leave?.get(name) ?? null;
  if (wrong !== null) return wrong;
  const before = earlier?.folded ?? { weights: weighted.weights.data, bias: weighted.bias?.data ?? null };
  const norm: NormRecord | null = isNormRecord(record) ? record : null;
  const { lostDigits, worstChannel } = lossOf(norm, before.bias && Float64Array.from(before.bias));
  if (lostDigits > maxLostDigits) {
    return `channel ${worstChannel} could lose ${lostDigits.toFixed(1)} digits, more than ${maxLostDigits}`;
  }
  const folded = foldBehind(before.weights, before.bias, weighted.layout, affine);
  const float = weighted.weights.stored === "float64" ? (value: number) => value : Math.fround;
  const beyond = [...folded.weights, ...folded.bias].find((value) => !Number.isFinite(float(value)));
  if (beyond !== undefined) return `a folded value, ${beyond}, is beyond the range of ${weighted.weights.stored}`;
  return {
    layer: carrier,
    weighted,
    records: [...(earlier?.records ?? []), record],
    steps: [...(earlier?.steps ?? []), { side: "behind", affine, norm, name: record.name }],
    folded,
    gone: [...(earlier?.gone ?? []), ...own.filter((layer) => layer !== undefined)],
    top: last.tops[0] ?? "",
    lostDigits: Math.max(lostDigits, earlier?.lostDigits ?? 0),
  };
}

/** The layer whose top only `first` reads, possibly through layers that are already folded into it. */
function sourceOf(network: Network, first: NetworkLayer, planned: readonly PlannedFold[]) {
  const value = first.bottoms[0];
  const maker = value && network.layers[value.layer];
  if (!value || !maker) return "it reads an input of the network";
  if (readersOf(network.layers)(value).length > 1) return `blob "${value.blob}" before it is read by other layers too`;
  const earlier = planned.find(({ gone }) => gone.includes(maker));
  const carrier = earlier?.layer ?? maker;
  if (!isCarrier(carrier)) return `${maker.type} "${maker.name}" stands before it`;
  return { carrier, earlier };
}
