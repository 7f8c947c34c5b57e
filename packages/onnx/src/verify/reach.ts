import { BnError, type Shape } from "@bn/core";
import type { NodeProto } from "onnx-buf";
import type { ComparedNode } from "./nodes.ts";
import type { Taps } from "./taps.ts";

/** A node by what it is in the graph. */
interface HasNode {
  readonly node: NodeProto;
}

/** What of a node ONNX Runtime can compute: the shape of X, and whether Y too. */
export interface Reached<T extends HasNode = ComparedNode> {
  readonly node: T;
  /** Null where not even X can be computed. */
  readonly shape: Shape | null;
  readonly y: boolean;
  /** Why not. */
  readonly why: string;
}

/**
 * Finds out which nodes ONNX Runtime reaches: it fetches shapes, which takes no memory for the tensors. All at once where
 * it can; where it refuses, crashes or does not end, halves are tried, so that one operator that it lacks costs what lies
 * behind it and no more.
 */
export async function reach<T extends HasNode>(nodes: readonly T[], taps: Taps): Promise<Map<T, Reached<T>>> {
  const found = new Map<T, Reached<T>>();
  const dead: { readonly needs: ReadonlySet<NodeProto>; readonly why: string }[] = [];
  const blocked = (needs: ReadonlySet<NodeProto>) => dead.find((one) => isSubset(one.needs, needs));

  async function scout(some: readonly T[]): Promise<void> {
    const wanted = some.filter((node) => {
      const block = blocked(taps.needs([node.node.output[0] ?? ""]));
      if (block) found.set(node, { node, shape: null, y: false, why: `lies behind a node that failed: ${block.why}` });
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

/** What ONNX Runtime or the file says; anything else is not an answer, and thrown. */
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
