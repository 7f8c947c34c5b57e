import { type Model, producersOf } from "../graph/proto.ts";
import { isNorm } from "../layers/nodes.ts";

/** Operators that pass values on unchanged, or nearly so. */
const PASSES = new Set(
  "Identity Cast Reshape Squeeze Unsqueeze Flatten Transpose Abs Add Sub Mul Div Clip Max Sqrt".split(" "),
);

/**
 * The inputs of a network that are variances of its normalizations, as in a network that was exported without weights.
 */
export function varianceInputs({ graph }: Model): ReadonlySet<string> {
  const producers = producersOf(graph.node);
  const inputs = new Set(graph.input.map(({ name }) => name));
  const found = graph.node.filter(isNorm).map(({ input }) => {
    let name = input[4] ?? "";
    const passed = new Set<string>();
    for (
      let node = producers.get(name);
      node && PASSES.has(node.opType) && !passed.has(name);
      node = producers.get(name)
    ) {
      passed.add(name);
      name = node.input[0] ?? "";
    }
    return name;
  });
  return new Set(found.filter((name) => inputs.has(name)));
}
