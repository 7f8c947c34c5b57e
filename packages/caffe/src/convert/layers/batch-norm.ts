import { exportNodes, type NormRecord, OPSETS } from "@bn/onnx";
import type { CaffeRecord } from "../../layers/record.ts";
import { type Context, constant, emit, fail, only } from "../context.ts";
import { arrayOf, newValue, type Value } from "../graph.ts";
import { normalizeBatch } from "./normalization.ts";

/**
 * BatchNorm, BN of forks, and the Scale after it if the record contains both. They become one BatchNormalization, by
 * @bn/onnx's writer. If use_global_stats is false, the statistics are the batch's in inference too, and the formula is
 * written out.
 */
export function batchNorm(context: Context): void {
  const { layer, note, graph } = context;
  const bottom = only(context);
  const { shape } = bottom;
  if (shape.length < 2) fail(layer, `the bottom has shape [${shape}], expected 2 axes or more, [N, C, ...]`);
  const record = context.record();
  if (record.channels !== shape[1]) {
    fail(
      layer,
      `the weights have ${record.channels} channels, and the bottom [${shape}] has ${shape[1]} channels; check that the weights belong to this net`,
    );
  }
  // The Scale whose values are in the record.
  const scale = record.source.nodes.length > 1 ? context.next() : null;
  if (scale) context.absorb(scale);
  const top = (value: Value) => (scale ?? context).top(0, value);
  if (record.type === "Scale") {
    note("holds only a scale and a bias, into which its statistics were folded");
    top(affine(context, record, bottom));
  } else if (record.phase === "train") {
    const what =
      "use_global_stats is false: it normalizes by the statistics of its batch, also in inference, and the ONNX nodes do the same";
    note(`${what}; results depend on what else is in the batch`);
    top(affine(context, record, normalizeBatch(context, bottom, record.eps)));
  } else {
    const plain = inDtype(record, graph.dtype);
    context.norm(plain);
    top(writeNorm(context, plain, bottom));
  }
}

/** x gamma + beta, as far as they exist. */
function affine(context: Context, { gamma, beta, channels }: CaffeRecord, bottom: Value): Value {
  const wide = [channels, ...new Array<number>(bottom.shape.length - 2).fill(1)];
  const product = gamma
    ? emit(context, "Mul", [bottom, constant(context, "scale", wide, gamma)], bottom.shape)
    : bottom;
  return beta ? emit(context, "Add", [product, constant(context, "bias", wide, beta)], bottom.shape) : product;
}

/** The record without Caffe's own fields, with its values in the network's dtype. */
function inDtype(record: CaffeRecord & NormRecord, dtype: NormRecord["dtype"]): NormRecord {
  const { caffe: _, statistics, ...rest } = record;
  const factor = arrayOf(dtype, [statistics.factor])[0] as number;
  const own = {
    dtype,
    statistics: { mean: arrayOf(dtype, statistics.mean), variance: arrayOf(dtype, statistics.variance), factor },
  };
  if (rest.type === "BatchNorm") return { ...rest, ...own };
  const beta = rest.beta && arrayOf(dtype, rest.beta);
  return { ...rest, ...own, gamma: arrayOf(dtype, rest.gamma), beta };
}

/** The nodes of @bn/onnx, with ids of this graph. */
function writeNorm({ graph, layer }: Context, record: NormRecord, bottom: Value): Value {
  const top = newValue(graph, bottom.shape, `${layer.name}/BatchNormalization`);
  const opset = OPSETS.findLast((version) => version <= graph.opset) ?? OPSETS[0];
  const options = { input: bottom.id, output: top.id, opset, rank: bottom.shape.length };
  const { nodes, initializers } = exportNodes([record], options);
  const ids = new Map(
    initializers.map(({ name }) => [name, newValue(graph, [record.channels], `${layer.name}/${name}`).id]),
  );
  for (const tensor of initializers) tensor.name = ids.get(tensor.name) ?? tensor.name;
  for (const node of nodes) {
    node.name = layer.name;
    node.input = node.input.map((name) => ids.get(name) ?? name);
  }
  graph.tensors.push(...initializers);
  graph.nodes.push(...nodes);
  return top;
}
