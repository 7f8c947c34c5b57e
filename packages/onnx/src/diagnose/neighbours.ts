import type { HostArray } from "@bn/core";
import type { NodeProto } from "onnx-buf";
import { labelOf, type Model, producersOf, readersOf } from "../graph/proto.ts";
import { constantIn, type Lookup, topLookup } from "../graph/scope.ts";
import type { BatchNormScaleRecord } from "../layers/record.ts";
import type { StoredNode, Suspicion } from "./suspicion.ts";

/** With fewer channels than this, equal numbers may be a coincidence. */
const FEW = 4;
const U = 2 ** -24;

interface Around {
  readonly lookup: Lookup;
  readonly producers: ReadonlyMap<string, NodeProto>;
  readonly readers: ReadonlyMap<string, readonly NodeProto[]>;
}

/** Mistakes that show when nodes of the top level are compared: the same numbers in two places. */
export function neighbours(model: Model, nodes: readonly StoredNode[]): Suspicion[] {
  const around = aroundOf(model);
  const top = nodes.filter(({ topLevel }) => topLevel);
  const beside = top.flatMap((node) =>
    [gammaBehind(node, around), foldedBefore(node, around)].flatMap((what) => (what === null ? [] : [{ node, what }])),
  );
  return [...beside, ...copies(nodes)];
}

function aroundOf(model: Model): Around {
  const { node } = model.graph;
  return { lookup: topLookup(model), producers: producersOf(node), readers: readersOf(node) };
}

/** The Mul after a node has the same scale as the node. */
function gammaBehind({ layer: { gamma }, tensors }: StoredNode, { lookup, readers }: Around): string | null {
  const [mul, ...others] = new Set(readers.get(tensors.y));
  if (others.length > 0 || mul?.opType !== "Mul" || !isVaried(gamma)) return null;
  const factor = valuesOf(lookup, mul.input.find((name) => name !== tensors.y) ?? "");
  if (!factor || !isSame(factor, gamma)) return null;
  return `scale and the Mul behind it, ${labelOf(mul, 0)}, hold the same ${gamma.length} numbers: as if gamma was applied twice`;
}

/** The bias of the layer before has the value that folding gives: B - scale mean / sqrt(var + epsilon). */
function foldedBefore({ layer, tensors }: StoredNode, { lookup, producers }: Around): string | null {
  const before = producers.get(tensors.x);
  if (!before || !["Conv", "ConvTranspose", "Gemm", "Add"].includes(before.opType)) return null;
  const names = before.opType === "Add" ? before.input : before.input.slice(2);
  const bias = names.map((name) => valuesOf(lookup, name)).find((one) => one !== null);
  if (!bias || bias.length !== layer.channels || layer.channels < FEW || !isVaried(bias)) return null;
  if (!foldedBias(layer).every(({ value, bound }, c) => Math.abs((bias[c] as number) - value) <= bound)) return null;
  return `the bias of ${before.opType} ${labelOf(before, 0)} before it is B - scale mean / sqrt(var + epsilon) in all ${layer.channels} channels: as if the node was folded into that layer and left in the network, so that its scale acts twice`;
}

/** The bias that folding gives for a bias of 0, and its largest float32 error: each step of O-1 rounds once. */
function foldedBias({ statistics: { mean, variance }, gamma, beta, eps }: BatchNormScaleRecord) {
  return Array.from(mean, (center, c) => {
    const product = ((gamma[c] as number) * center) / Math.sqrt((variance[c] as number) + eps);
    const shift = beta?.[c] ?? 0;
    return { value: shift - product, bound: U * (6.5 * Math.abs(product) + 2 * Math.abs(shift)) };
  });
}

/**
 * Two nodes with the same statistics and different scales. A layer that is used twice would have the same scales too.
 */
function copies(nodes: readonly StoredNode[]): Suspicion[] {
  const alike = new Map<string, StoredNode[]>();
  return nodes.flatMap((node) => {
    const { statistics, channels, gamma, beta } = node.layer;
    if (channels < FEW || !isVaried(statistics.mean) || !isVaried(statistics.variance)) return [];
    const key = [channels, ...statistics.mean.slice(0, FEW), ...statistics.variance.slice(0, FEW)].join();
    const before = alike.get(key) ?? [];
    const other = before.find(({ layer: { statistics: one } }) => {
      return isSame(one.mean, statistics.mean) && isSame(one.variance, statistics.variance);
    });
    if (!other) alike.set(key, [...before, node]);
    const same = other?.tensors.mean === node.tensors.mean;
    if (!other || same || (isSame(gamma, other.layer.gamma) && isSame(beta ?? [], other.layer.beta ?? []))) return [];
    const what = `mean and var are those of ${other.label}, bit for bit in all ${channels} channels, and scale and B are not: as if the statistics of another layer were written`;
    return [{ node, what }];
  });
}

/** The values of a constant, without the axes of size 1 around its channels. */
function valuesOf(lookup: Lookup, name: string): HostArray | null {
  const numbers = constantIn(lookup, name);
  return numbers === null || numbers.dims.filter((size) => size !== 1).length > 1 ? null : numbers.data;
}

/** Whether the values differ from each other. Two tensors with a single repeated number may be equal by chance. */
function isVaried(values: HostArray): boolean {
  return values.some((value) => value !== values[0]);
}

function isSame(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
