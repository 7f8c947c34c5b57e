import type { NodeProto, TensorProto } from "onnx-buf";
import type { Model } from "../graph/proto.ts";
import { graphsOf, nestedIn, producersOf, readersOf } from "../graph/proto.ts";

/** Which nodes write and which read each name of the top graph. */
export interface Wiring {
  producerOf(name: string): NodeProto | undefined;
  /** The nodes of the top graph that read `name`, one entry per input. */
  readersOf(name: string): readonly NodeProto[];
  /**
   * The reason why `name` must keep its value, even if only one node seems to read it; null if nothing else needs it.
   */
  neededElsewhere(name: string): string | null;
  tensorOf(name: string): TensorProto | undefined;
}

/** The wiring of `model` as it is now. */
export function wiringOf(model: Model): Wiring {
  const { graph } = model;
  const [producers, readers] = [producersOf(graph.node), readersOf(graph.node)];
  const outputs = new Set(graph.output.map(({ name }) => name));
  const captured = new Set<string>();
  for (const { parent, nodes } of graphsOf(model)) {
    if (parent !== null) for (const { input } of nodes) for (const name of input) captured.add(name);
  }
  for (const { output } of nestedIn(graph.node)) for (const { name } of output) captured.add(name);
  const tensors = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  return {
    producerOf: (name) => producers.get(name),
    readersOf: (name) => readers.get(name) ?? [],
    neededElsewhere(name) {
      if (outputs.has(name)) return "is an output of the graph";
      return captured.has(name) ? "is read inside a subgraph" : null;
    },
    tensorOf: (name) => tensors.get(name),
  };
}
