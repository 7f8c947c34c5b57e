import type { Graph } from "./graph.ts";

/** The values of a blob over time, each with the layer that computed it. */
export type History = ReadonlyMap<string, readonly { readonly id: string; readonly layer: string }[]>;

/**
 * Gives every id its name. The last value of a blob gets the blob's name, and earlier values get `blob/layer`. All
 * others get the preferred name, with a number if the name is taken. Nodes are named after their layer, without
 * addition if they compute a top.
 */
export function settleNames(graph: Graph, history: History): ReadonlyMap<string, string> {
  const taken = new Set<string>();
  const names = new Map<string, string>();
  const settle = (id: string, wish: string) => {
    if (names.has(id)) return;
    names.set(id, unique(wish, taken));
  };
  for (const [blob, values] of history) settle(values.at(-1)?.id ?? "", blob);
  for (const [blob, values] of history) for (const { id, layer } of values) settle(id, `${blob}/${layer}`);
  const tops = new Set(names.keys());
  for (const [id, wish] of graph.wishes) settle(id, wish);
  const nameOf = (id: string) => names.get(id) ?? id;

  const nodeNames = new Set<string>();
  for (const node of graph.nodes) {
    const wish = node.output.some((id) => tops.has(id)) ? node.name : `${node.name}/${node.opType}`;
    node.name = unique(wish, nodeNames);
    node.input = node.input.map(nameOf);
    node.output = node.output.map(nameOf);
  }
  for (const tensor of graph.tensors) tensor.name = nameOf(tensor.name);
  return names;
}

/** The name `wish`, or `wish.2` and so on if it is taken. It is taken afterwards. */
function unique(wish: string, taken: Set<string>): string {
  let name = wish;
  for (let n = 2; name === "" || taken.has(name); n++) name = `${wish}.${n}`;
  taken.add(name);
  return name;
}

/** Removes nodes and tensors that no output needs. */
export function prune(graph: Graph, outputs: readonly string[]): Pick<Graph, "nodes" | "tensors"> {
  const needed = new Set(outputs);
  const nodes = graph.nodes.toReversed().filter(({ input, output }) => {
    if (!output.some((id) => needed.has(id))) return false;
    for (const id of input) needed.add(id);
    return true;
  });
  return { nodes: nodes.reverse(), tensors: graph.tensors.filter(({ name }) => needed.has(name)) };
}
