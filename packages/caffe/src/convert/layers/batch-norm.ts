import { type BatchNormScaleRecord, exportNodes, type NormRecord, OPSETS } from "@bn/onnx";
import { axisOf, type Context, fail, only, weight } from "../context.ts";
import { arrayOf, newValue, type Value } from "../graph.ts";
import { normalizeBatch } from "./normalization.ts";

/**
 * BatchNorm, and the Scale that reads it where it covers the channels: one BatchNormalization, by @bn/onnx's writer. With
 * use_global_stats false the statistics are the batch's, in inference too, and the formula is written out.
 */
export function batchNorm(context: Context): void {
  const { layer, params, note } = context;
  const bottom = only(context);
  const { shape } = bottom;
  if (shape.length < 2) fail(layer, `the bottom has shape [${shape}], expected 2 axes or more, [N, C, ...]`);
  const own = params("batch_norm_param");
  const channels = shape[1] as number;
  const values = {
    mean: arrayOf(context.graph.dtype, weight(context, 0, "the mean", [channels])),
    variance: arrayOf(context.graph.dtype, weight(context, 1, "the variance", [channels])),
    factor: arrayOf(context.graph.dtype, weight(context, 2, "the factor", [1]))[0] as number,
  };
  const eps = own.number("eps");
  if (!(eps >= 0 && eps < Number.POSITIVE_INFINITY))
    fail(layer, `eps is ${eps}, expected a finite number of 0 or more`);
  if (own.has("use_global_stats") && !own.flag("use_global_stats")) {
    note(
      "use_global_stats is false: it normalizes by the statistics of its own batch, in inference too, and so do the nodes; results depend on what else is in the batch",
    );
    context.top(0, normalizeBatch(context, bottom, eps));
    return;
  }
  const scale = scaleAfter(context, bottom);
  const common = {
    name: layer.name,
    dtype: context.graph.dtype,
    channels,
    axis: 1,
    phase: "test",
    parameterShape: [channels],
    statistics: values,
    eps,
    movingAverageFraction: own.number("moving_average_fraction"),
  } as const;
  const nodes = scale ? [layer.name, scale.context.layer.name] : [layer.name];
  const source = { format: "caffe", nodes, where: "" } as const;
  const record: NormRecord = scale
    ? { ...common, type: "BatchNormScale", source, ...scale.affine }
    : { ...common, type: "BatchNorm", source, gamma: null, beta: null };
  const value = writeNorm(context, record, bottom);
  context.norm(record);
  (scale?.context ?? context).top(0, value);
}

interface ScaleAfter {
  readonly context: Context;
  readonly affine: Pick<BatchNormScaleRecord, "gamma" | "beta">;
}

/** The Scale that alone reads the layer, if it is one per channel. */
function scaleAfter(context: Context, { shape }: Value): ScaleAfter | null {
  const next = context.next();
  if (next?.layer.type !== "Scale" || next.layer.bottoms.length !== 1) return null;
  const own = next.params("scale_param");
  const axes = own.number("num_axes");
  const covers = axes === 1 || (axes === -1 && shape.length === 2);
  if (!covers || axisOf(next, own.number("axis"), shape.length) !== 1) return null;
  const channels = [shape[1] as number];
  const read = (i: number, what: string) => arrayOf(context.graph.dtype, weight(next, i, what, channels));
  const affine = { gamma: read(0, "a scale"), beta: own.flag("bias_term") ? read(1, "a bias") : null };
  context.absorb(next);
  return { context: next, affine };
}

/** @bn/onnx's nodes, under ids of this graph. */
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
