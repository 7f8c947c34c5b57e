import {
  type Backend,
  type Blob,
  createBatchNorm,
  createBatchNormScale,
  createBlob,
  createScale,
  type Dtype,
  type Layer,
  type Phase,
  type Shape,
} from "@bn/core";
import { paramError } from "../graph/errors.ts";
import { createOwner, type Owner } from "./owner.ts";
import { isNormRecord, type LayerRecord, type NormRecord, type ScaleRecord } from "./record.ts";

export interface CreateOptions {
  readonly name?: string;
  /** Default: the phase of the record. */
  readonly phase?: Phase;
  /**
   * How the average continues in training. "stored", the default, keeps sums and factor of the record bit for bit; with
   * ONNX's factor 1, the first step then gives the batch the weight 1 / (fraction + 1). "steady" sets the factor to 1 /
   * (1 - fraction), so that each step is as in ONNX, and the statistics are within 3 u of the model's.
   */
  readonly average?: "stored" | "steady";
}

/** A layer, with the blobs that were created for it. */
export interface CreatedLayer extends Disposable {
  /** The layer, before its setUp. */
  readonly layer: Layer;
  /** mean, variance, factor, gamma, beta, as far as the record has them; for a Scale, gamma and beta. */
  readonly blobs: readonly Blob[];
  /** Frees the layer and the blobs. */
  dispose(): void;
}

/**
 * Creates the layer of a record on `backend`: BatchNorm, the fused BatchNorm and Scale, or Scale, with the record's
 * blobs.
 *
 * Errors: `ERR_BN_BACKEND` for a dtype that the backend does not support; `ERR_BN_PARAM` for a fraction outside of [0,
 * 1] in phase "train", or outside of [0, 1) with "steady"; `ERR_BN_MEMORY`.
 *
 * @example
 * ```ts
 * import { createBlob } from "@bn/core";
 * import { createCpu } from "@bn/cpu";
 * import { batchNormOf, buildModel, createLayer, importModel } from "@bn/onnx";
 * const cpu = await createCpu();
 * const two = new Float32Array([2]);
 * const { layers } = await importModel(buildModel(batchNormOf([two, two, [1], two, two], { eps: 2 })));
 * const { layer } = createLayer(cpu, layers[0]!);
 * const [x, y] = [createBlob(cpu, [3, 1]), createBlob(cpu)];
 * x.write([2, 4, 8]);
 * layer.setUp([x], [y]);
 * layer.forward([x], [y]);
 * console.log(await y.read()); // Float32Array(3) [ 2, 4, 8 ]
 * ```
 */
export function createLayer(backend: Backend, record: LayerRecord, options: CreateOptions = {}): CreatedLayer {
  const owner = createOwner();
  const dispose = () => owner[Symbol.dispose]();
  try {
    const { layer, blobs } = isNormRecord(record)
      ? createNorm(backend, record, options, owner)
      : createScaleOf(backend, record, options, owner);
    return { layer, blobs, dispose, [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

function createNorm(backend: Backend, record: NormRecord, options: CreateOptions, { own }: Owner) {
  const { name = record.name, phase = record.phase, average = "stored" } = options;
  const { dtype, eps, axis, movingAverageFraction, statistics, gamma, beta } = record;
  const weight = average === "stored" ? 1 : steadyWeight(name, record);
  const weighted = (values: ArrayLike<number>) => Float64Array.from(values, (value) => value * weight);
  const values = [weighted(statistics.mean), weighted(statistics.variance), weighted([statistics.factor])];
  const blobs = [...values, gamma, beta].flatMap((one) => (one ? blobOf(backend, [one.length], dtype, one, own) : []));
  // Inference does not use the fraction, so a wrong one does not matter.
  const fraction = phase === "train" ? { movingAverageFraction } : {};
  const params = { name, phase, eps, axis, blobs, ...fraction };
  const layer = own(gamma ? createBatchNormScale({ ...params, biasTerm: beta !== null }) : createBatchNorm(params));
  return { layer, blobs };
}

/** The number by which sums and factor are multiplied so that the factor becomes its limit, 1 / (1 - fraction). */
function steadyWeight(name: string, { movingAverageFraction: fraction, statistics }: NormRecord): number {
  if (fraction >= 0 && fraction < 1 && statistics.factor !== 0)
    return 1 / (1 - Math.fround(fraction)) / statistics.factor;
  const what = `movingAverageFraction is ${fraction} and the factor ${statistics.factor}`;
  const cure = 'and a steady average needs a fraction in [0, 1) and a factor other than 0; use average "stored"';
  throw paramError(`createLayer "${name}": ${what}, ${cure}`);
}

function createScaleOf(backend: Backend, record: ScaleRecord, { name = record.name }: CreateOptions, { own }: Owner) {
  const { dtype, axis, parameterShape, gamma, beta } = record;
  const blobs = [gamma, beta].flatMap((one) => (one ? blobOf(backend, parameterShape, dtype, one, own) : []));
  const params = { name, axis, numAxes: parameterShape.length, biasTerm: beta !== null };
  return { layer: own(createScale({ ...params, blobs })), blobs };
}

function blobOf(backend: Backend, shape: Shape, dtype: Dtype, values: ArrayLike<number>, own: Owner["own"]): Blob {
  const blob = own(createBlob(backend, shape, dtype));
  blob.write(values);
  return blob;
}
