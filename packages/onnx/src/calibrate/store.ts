import { create } from "@bufbuild/protobuf";
import { type NodeProto, type TensorProto, TensorProtoSchema } from "onnx-buf";
import { dropUnread, replaceInput } from "../fold/store.ts";
import { wiringOf } from "../fold/wiring.ts";
import { packNumbers } from "../graph/float-types.ts";
import { altered, attributeOf, type Model } from "../graph/proto.ts";
import type { StoredStatistics } from "./instrument.ts";
import type { ChosenNode } from "./nodes.ts";

const PLACES = [
  [3, "mean"],
  [4, "variance"],
] as const;

/**
 * Writes statistics into a model, in place. They go into the tensors that the nodes read if no other node reads those,
 * otherwise into new tensors. Returns, for each node, the nodes that share them.
 */
export function storeStatistics(
  model: Model,
  nodes: readonly ChosenNode[],
  stored: ReadonlyMap<ChosenNode, StoredStatistics>,
): ReadonlyMap<ChosenNode, readonly string[]> {
  const byOutput = new Map(nodes.map((node) => [node.y, node]));
  const shared = new Map<ChosenNode, readonly string[]>();
  const wiring = wiringOf(model);
  const replaced: string[] = [];
  for (const node of model.graph.node) {
    const chosen = byOutput.get(node.output[0] ?? "");
    const values = chosen && stored.get(chosen);
    if (!chosen || !values) continue;
    for (const [index, what] of PLACES) {
      const name = node.input[index] as string;
      const content = { dataType: chosen.dataType, rawData: packNumbers(chosen.dataType, values[what]) };
      const readers = wiring.readersOf(name);
      const sole = readers.length === 1 && wiring.neededElsewhere(name) === null;
      if (sole && replaceTensor(model, wiring.producerOf(name), name, content)) continue;
      const others = readers
        .filter((reader) => reader !== node)
        .map((reader) => reader.name || (reader.output[0] ?? ""));
      if (wiring.neededElsewhere(name) === null) replaced.push(name);
      if (!sole) shared.set(chosen, [...new Set([...(shared.get(chosen) ?? []), ...others])]);
      const dims = chosen.layer.parameterShape.map(BigInt);
      const tensor = create(TensorProtoSchema, { name: `${name}/calibrated`, ...content, dims });
      replaceInput(model, node, index, tensor, false);
    }
  }
  dropUnread(model, replaced);
  return shared;
}

type Content = Pick<TensorProto, "dataType" | "rawData">;

/** Replaces the numbers of the tensor with that name. Returns false if the name is not a tensor of the graph itself. */
function replaceTensor(model: Model, producer: NodeProto | undefined, name: string, content: Content): boolean {
  const { graph } = model;
  const empty = { floatData: [], doubleData: [], int32Data: [] };
  const at = graph.initializer.findIndex((tensor) => tensor.name === name);
  const old = graph.initializer[at];
  if (old && producer === undefined) {
    graph.initializer[at] = altered(old, { ...empty, ...content });
    return true;
  }
  const value = producer?.opType === "Constant" ? attributeOf(producer, "value") : undefined;
  if (!producer || !value?.t) return false;
  const replaced = altered(value, { t: altered(value.t, { ...empty, ...content }) });
  producer.attribute = producer.attribute.map((one) => (one === value ? replaced : one));
  return true;
}
