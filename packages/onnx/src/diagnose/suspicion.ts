import type { NormNode } from "../layers/nodes.ts";
import type { BatchNormScaleRecord } from "../layers/record.ts";

/** A BatchNormalization whose weights are in the file. */
export type StoredNode = NormNode & { readonly layer: BatchNormScaleRecord };

/** A mistake that a node probably has, with the evidence, in words. */
export interface Suspicion {
  readonly node: StoredNode;
  readonly what: string;
}

export function storedIn(nodes: readonly object[]): StoredNode[] {
  return nodes.filter((node): node is StoredNode => "layer" in node && node.layer !== null);
}

/** Formats a number with the seven digits of a float32. */
export function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}
