import { BnError, type Shape } from "@bn/core";
import type { NodeProto } from "onnx-buf";
import type { ComparedNode } from "./nodes.ts";
import type { Taps } from "./taps.ts";

/** A value with the node of the graph that it belongs to. */
interface HasNode {
  readonly node: NodeProto;
}

/** The parts of a node that ONNX Runtime can compute: the shape of X, and whether it also computes Y. */
export interface Reached<T extends HasNode = ComparedNode> {
  readonly node: T;
  /** Null if ONNX Runtime cannot even compute X. */
  readonly shape: Shape | null;
  readonly y: boolean;
  /** The reason why not. */
  readonly why: string;
}

/**
 * Finds out which nodes ONNX Runtime reaches. It fetches shapes, which takes no memory for the tensors. It tries all
 * nodes at once. If ONNX Runtime refuses, crashes or does not end, it tries halves, so that an operator that ONNX
 * Runtime lacks affects only the nodes after it.
 */
export async function reach<T extends HasNode>(nodes: readonly T[], taps: Taps): Promise<Map<T, Reached<T>>> {
  const found = new Map<T, Reached<T>>();
  const dead: { readonly needs: ReadonlySet<NodeProto>; readonly why: string }[] = [];
  const blocked = (needs: ReadonlySet<NodeProto>) => dead.find((one) => isSubset(one.needs, needs));

  async function scout(some: readonly T[]): Promise<void> {
    const wanted = some.filter((node) => {
      const block = blocked(taps.needs([node.node.output[0] ?? ""]));
      if (block) found.set(node, { node, shape: null, y: false, why: `depends on a node that failed: ${block.why}` });
      return !block;
    });
    if (wanted.length === 0) return;
    try {
      const shapes = await taps.fetch(wanted.flatMap(({ node }) => [shapeOf(node.input[0]), shapeOf(node.output[0])]));
      for (const node of wanted) {
        const shape = shapes.get(node.node.input[0] ?? "")?.shape ?? null;
        found.set(node, { node, shape, y: true, why: "" });
      }
      return;
    } catch (error) {
      const why = refusal(error);
      if (wanted.length > 1) {
        const half = wanted.length >> 1;
        await scout(wanted.slice(0, half));
        return scout(wanted.slice(half));
      }
      const [only] = wanted as [T];
      dead.push({ needs: taps.needs([only.node.output[0] ?? ""]), why });
      found.set(only, await withoutY(only, why));
    }
  }

  async function withoutY(node: T, why: string): Promise<Reached<T>> {
    const x = node.node.input[0] ?? "";
    try {
      const shapes = await taps.fetch([shapeOf(x)]);
      return { node, shape: shapes.get(x)?.shape ?? null, y: false, why };
    } catch (error) {
      const before = refusal(error);
      dead.push({ needs: taps.needs([x]), why: before });
      return { node, shape: null, y: false, why: before };
    }
  }

  await scout(nodes);
  return found;
}

/** Returns the message of ONNX Runtime or about the file. Other errors are rethrown. */
export function refusal(error: unknown): string {
  if (error instanceof BnError && error.code === "ERR_BN_DATA") return error.message;
  throw error;
}

function shapeOf(name: string | undefined) {
  return { name: name ?? "", as: "shape" } as const;
}

function isSubset(some: ReadonlySet<NodeProto>, all: ReadonlySet<NodeProto>): boolean {
  if (some.size === 0 || some.size > all.size) return false;
  for (const node of some) if (!all.has(node)) return false;
  return true;
}
