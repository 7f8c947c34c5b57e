import { BnError } from "@bn/core";
import type { OpenShape } from "../graph/encode.ts";
import { encodeModel } from "../graph/write.ts";
import { exportNodes, type NodeOptions } from "./export.ts";
import { isNormRecord, type LayerRecord, type NormRecord } from "./record.ts";

export interface ModelOptions extends Pick<NodeOptions, "opset" | "training" | "populationOf" | "momentum"> {
  /** The shape of X: sizes, or names for open sizes. Default: any number of images of any size, [N, channels, H, W]. */
  readonly shape?: OpenShape | undefined;
}

/**
 * A complete ONNX model of one layer, or of several consecutive ones. Its input is `X` and its output `Y`; each
 * BatchNormalization in training adds `running_mean` and `running_var`. Its weights are initialisers, named `scale`,
 * `B`, `mean`, `var` for a single node; with several, the names begin with `0.`, `1.` and so on. `exportNodes`
 * describes what becomes of a Scale.
 *
 * Errors: `ERR_BN_SHAPE` if X and the parameters have different channels, `ERR_BN_PARAM` as for `exportNodes`.
 *
 * Source: ONNX operator BatchNormalization, versions 1 to 15.
 *
 * @example
 * ```ts
 * import { createBatchNorm, createBlob } from "@bn/core";
 * import { createCpu } from "@bn/cpu";
 * import { buildModel, readBatchNorm } from "@bn/onnx";
 * import { runModel } from "@bn/onnx/verify";
 * const cpu = await createCpu();
 * const [x, y] = [createBlob(cpu, [2, 1]), createBlob(cpu)];
 * const layer = createBatchNorm({ eps: 0 });
 * layer.setUp([x], [y]);
 * for (const [i, value] of [6, 8, 2].entries()) layer.blobs[i]!.write([value]); // mean 3, variance 4
 * const bytes = buildModel(await readBatchNorm(layer.blobs, { eps: 0 }), { shape: ["N", 1] });
 * const outputs = await runModel(bytes, { X: { type: "float32", shape: [3, 1], data: new Float32Array([3, 5, 9]) } });
 * console.log(outputs.get("Y")!.data); // Float32Array(3) [ 0, 1, 3 ]
 * ```
 */
export function buildModel(layers: LayerRecord | readonly LayerRecord[], options: ModelOptions = {}): Uint8Array {
  const all = Array.isArray(layers) ? (layers as readonly LayerRecord[]) : [layers as LayerRecord];
  const norms = all.filter(isNormRecord);
  const { shape = ["N", norms[0]?.channels ?? "C", "H", "W"], opset = 15, training = false, ...others } = options;
  for (const layer of norms) checkShape(layer, shape);
  const { nodes, initializers, inputs, running } = exportNodes(all, { ...others, opset, training, rank: shape.length });
  return encodeModel({
    name: "batch_norm",
    opset,
    dtype: all[0]?.dtype ?? "float32",
    nodes,
    initializers,
    inputs: [{ name: "X", shape }, ...inputs],
    outputs: [{ name: "Y", shape }, ...running.map(({ name, channels }) => ({ name, shape: [channels] }))],
  });
}

function checkShape({ axis, channels }: NormRecord, shape: OpenShape): void {
  const found = shape.at(axis);
  if (shape.length >= 2 && found !== undefined && (typeof found === "string" || found === channels)) return;
  const expected = axis === 1 ? `[N, ${channels}, ...]` : `${channels} on axis ${axis}`;
  throw new BnError(
    "ERR_BN_SHAPE",
    `buildModel: shape is [${shape}], expected ${expected} as the parameters have ${channels} channels`,
  );
}
