import { type Blob, BnError, type Dtype, type HostArray, type Shape } from "@bn/core";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  ModelProtoSchema,
  TensorProto_DataType,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";

/** The operands and attributes of one BatchNormalization node. */
export interface OnnxBatchNorm {
  readonly dtype: Dtype;
  readonly scale: HostArray;
  readonly bias: HostArray;
  readonly mean: HostArray;
  readonly variance: HostArray;
  readonly epsilon: number;
  readonly momentum: number;
}

/** What a layer knows beside its blobs; defaults as in @bn/core. */
export interface LayerConstants {
  readonly eps?: number;
  readonly movingAverageFraction?: number;
}

/** Sizes, or names for those left open; the second is the number of channels. */
export type OpenShape = readonly (number | string)[];

export interface ModelOptions {
  /** Of X. Without one: any number of images of any size, [N, channels, H, W]. */
  readonly shape?: OpenShape;
  /** training_mode: outputs Y, running_mean, running_var in place of Y alone. */
  readonly training?: boolean;
}

/**
 * What ONNX needs to know of a BatchNorm layer, of a fused one, or of BatchNorm and the Scale after it.
 *
 * Math    scale = gamma, or 1; B = beta, or 0. mean and var are the sums divided by the factor as BN-6 does it:
 *         s = fl(1 / factor), or 0 where that is 0, and fl(sum * s): bit for bit what the layer itself uses.
 *         momentum = movingAverageFraction: ONNX steps new = momentum * old + (1 - momentum) * batch, which is what
 *         sums and factor do once factor has reached its limit 1 / (1 - fraction). Before that a step of ours has the
 *         momentum that `momentumAt` tells. ONNX averages the variance over m, we store it times m / (m - 1) (BN-7):
 *         values go over as they are, and a training step there takes in a variance smaller by that factor.
 * Shapes  blobs [mean, variance, factor], then [gamma] and [beta]: `layer.blobs`, or
 *         `[...batchNorm.blobs, ...scale.blobs]`.
 * Errors  `ERR_BN_PARAM`, the number of blobs; `ERR_BN_SHAPE`, their shapes.
 */
export async function readBatchNorm(
  blobs: readonly Blob[],
  { eps = 1e-5, movingAverageFraction = 0.999 }: LayerConstants = {},
): Promise<OnnxBatchNorm> {
  checkBlobs(blobs);
  const dtype = (blobs[0] as Blob).dtype;
  const [mean, variance, factor, gamma, beta] = await Promise.all(blobs.map((blob) => blob.read()));
  const channels = (mean as HostArray).length;
  const weight = (factor as HostArray)[0] as number;
  const s = arrayOf(dtype, [weight === 0 ? 0 : 1 / weight])[0] as number;
  return {
    dtype,
    scale: gamma ?? arrayOf(dtype, new Array(channels).fill(1)),
    bias: beta ?? arrayOf(dtype, new Array(channels).fill(0)),
    mean: (mean as HostArray).map((sum) => sum * s),
    variance: (variance as HostArray).map((sum) => sum * s),
    epsilon: Math.fround(eps),
    momentum: Math.fround(movingAverageFraction),
  };
}

/**
 * The momentum that makes ONNX's next step the layer's own, from `factor` before it: fraction * factor / (fraction *
 * factor + 1). 0 for a new layer, whose first batch replaces what was there; `fraction` in the limit.
 */
export function momentumAt(movingAverageFraction: number, factor: number): number {
  const old = Math.fround(movingAverageFraction) * factor;
  return old / (old + 1);
}

/**
 * A complete ONNX model, operator set 15, of one BatchNormalization node: input `X`, output `Y` and in training
 * `running_mean` and `running_var`. What it reads is stored as initialisers `scale`, `B`, `mean`, `var`.
 *
 * Errors: `ERR_BN_SHAPE` where X has fewer than two axes, or other channels than the parameters.
 *
 * Source: ONNX operator BatchNormalization-15.
 *
 * @example
 * ```ts
 * import { createBatchNorm, createBlob } from "@bn/core";
 * import { createCpu } from "@bn/cpu";
 * import { buildModel, readBatchNorm, runModel } from "@bn/onnx";
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
export function buildModel(node: OnnxBatchNorm, options: ModelOptions = {}): Uint8Array {
  const channels = node.mean.length;
  const { shape = ["N", channels, "H", "W"], training = false } = options;
  if (shape.length < 2 || (typeof shape[1] === "number" && shape[1] !== channels)) {
    throw new BnError(
      "ERR_BN_SHAPE",
      `buildModel: shape is [${shape}], expected [N, ${channels}, ...] as the parameters have ${channels} channels`,
    );
  }
  const elemType = node.dtype === "float32" ? TensorProto_DataType.FLOAT : TensorProto_DataType.DOUBLE;
  const value = (name: string, dims: OpenShape) => {
    const dim = dims.map((d) => ({
      value:
        typeof d === "number"
          ? { case: "dimValue" as const, value: BigInt(d) }
          : { case: "dimParam" as const, value: d },
    }));
    const type = { value: { case: "tensorType" as const, value: { elemType, shape: { dim } } } };
    return create(ValueInfoProtoSchema, { name, type });
  };
  const stored = (name: string, data: HostArray) =>
    create(TensorProtoSchema, { name, dataType: elemType, dims: [BigInt(data.length)], rawData: littleEndian(data) });
  const float = (name: string, f: number) =>
    create(AttributeProtoSchema, { name, f, type: AttributeProto_AttributeType.FLOAT });
  const running = training ? ["running_mean", "running_var"] : [];
  const trainingMode = create(AttributeProtoSchema, {
    name: "training_mode",
    i: training ? 1n : 0n,
    type: AttributeProto_AttributeType.INT,
  });
  const model = create(ModelProtoSchema, {
    irVersion: 8n, // of ONNX 1.10, which brought operator set 15
    producerName: "@bn/onnx",
    opsetImport: [{ domain: "", version: 15n }],
    graph: {
      name: "batch_norm",
      node: [
        {
          name: "batch_norm",
          opType: "BatchNormalization",
          input: ["X", "scale", "B", "mean", "var"],
          output: ["Y", ...running],
          attribute: [float("epsilon", node.epsilon), float("momentum", node.momentum), trainingMode],
        },
      ],
      initializer: [
        stored("scale", node.scale),
        stored("B", node.bias),
        stored("mean", node.mean),
        stored("var", node.variance),
      ],
      input: [value("X", shape)],
      output: [value("Y", shape), ...running.map((name) => value(name, [channels]))],
    },
  });
  return toBinary(ModelProtoSchema, model);
}

function checkBlobs(blobs: readonly Blob[]): void {
  if (blobs.length < 3 || blobs.length > 5) {
    throw new BnError(
      "ERR_BN_PARAM",
      `readBatchNorm: ${blobs.length} blobs, expected 3 to 5: mean, variance, factor, then gamma and beta of a Scale; call setUp() before`,
    );
  }
  const [mean, , factor] = blobs as [Blob, Blob, Blob];
  for (const [i, { shape }] of blobs.entries()) {
    const expected: Shape = i === 2 ? [1] : [mean.count()];
    if (shape.length === 1 && shape[0] === expected[0]) continue;
    throw new BnError(
      "ERR_BN_SHAPE",
      `readBatchNorm: blobs[${i}] has shape [${shape}], expected [${expected}] (blobs[0] has [${mean.shape}], blobs[2] [${factor.shape}]); only a Scale of one axis, the channels, fits`,
    );
  }
}

function arrayOf(dtype: Dtype, values: ArrayLike<number>): HostArray {
  return dtype === "float32" ? Float32Array.from(values) : Float64Array.from(values);
}

/** raw_data is little-endian everywhere. */
function littleEndian(data: HostArray): Uint8Array<ArrayBuffer> {
  const size = data.BYTES_PER_ELEMENT;
  const view = new DataView(new ArrayBuffer(data.length * size));
  for (const [i, value] of data.entries()) {
    if (size === 4) view.setFloat32(i * size, value, true);
    else view.setFloat64(i * size, value, true);
  }
  return new Uint8Array(view.buffer);
}
