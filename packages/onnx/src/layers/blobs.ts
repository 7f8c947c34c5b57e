import { type Blob, BnError, type Dtype, type HostArray, type Phase, type Shape } from "@bn/core";
import { paramError } from "../graph/errors.ts";
import { arrayOf, type LayerSource, type NormRecord, type ScaleRecord } from "./record.ts";

/** The properties of a layer that are not in its blobs, with the defaults of @bn/core. */
export interface LayerConstants {
  readonly name?: string;
  /** Default "test". */
  readonly phase?: Phase;
  readonly eps?: number | undefined;
  readonly movingAverageFraction?: number | undefined;
  readonly axis?: number;
}

const BLOBS: LayerSource = { format: "blobs", nodes: [], where: "" };

/**
 * Makes the record of a BatchNorm layer, of a fused layer, or of BatchNorm and the Scale after it, from their blobs.
 *
 * Math    nothing is computed: sums and factor stay as stored, eps and fraction are rounded to float32 as in the layer.
 * Shapes  blobs [mean, variance, factor], then [gamma] and [beta]: `layer.blobs`, or `[...batchNorm.blobs,
 *         ...scale.blobs]`.
 * Errors  `ERR_BN_PARAM` for a wrong number of blobs; `ERR_BN_SHAPE` for wrong shapes.
 */
export async function readBatchNorm(blobs: readonly Blob[], constants: LayerConstants = {}): Promise<NormRecord> {
  for (const [i, { shape }] of blobs.entries()) {
    if (shape.length === 1) continue;
    const cure = "expected one axis; only a Scale with one axis, the channels, can be used";
    throw new BnError("ERR_BN_SHAPE", `readBatchNorm: blobs[${i}] has shape [${shape}], ${cure}`);
  }
  return batchNormOf(await Promise.all(blobs.map((blob) => blob.read())), constants);
}

/**
 * Makes the same record from the values of blobs, which come from a file or from another framework, whose statistics
 * have factor 1.
 *
 * Errors: those of `readBatchNorm`.
 *
 * @example
 * ```ts
 * import { batchNormOf } from "@bn/onnx";
 * const values = (...numbers: number[]) => new Float32Array(numbers);
 * const record = batchNormOf([values(1, 2), values(4, 9), [1], values(1, 1), values(0, 0)], { eps: 1e-3 });
 * console.log(record.type, record.channels); // BatchNormScale 2
 * ```
 */
export function batchNormOf(values: readonly ArrayLike<number>[], constants: LayerConstants = {}): NormRecord {
  const { name = "", phase = "test", eps = 1e-5, movingAverageFraction = 0.999, axis = 1 } = constants;
  checkValues(values);
  const [mean, variance, factor, gamma, beta] = values as [HostArray, HostArray, HostArray, HostArray?, HostArray?];
  const dtype = mean instanceof Float32Array ? "float32" : "float64";
  const [weight] = arrayOf(dtype, factor) as HostArray & [number];
  const common = {
    name,
    dtype,
    channels: mean.length,
    statistics: { mean, variance, factor: weight },
    eps: Math.fround(eps),
    movingAverageFraction: Math.fround(movingAverageFraction),
    axis,
    phase,
    parameterShape: [mean.length],
    source: BLOBS,
  } as const;
  if (!gamma) return { type: "BatchNorm", ...common, gamma: null, beta: null };
  return { type: "BatchNormScale", ...common, gamma, beta: beta ?? null };
}

/**
 * The momentum with which ONNX's next step equals the layer's, given `factor` before it: fraction * factor / (fraction
 * * factor + 1). It is 0 for a new layer, whose first batch replaces the initial statistics, and approaches `fraction`.
 */
export function momentumAt(movingAverageFraction: number, factor: number): number {
  const old = Math.fround(movingAverageFraction) * factor;
  return old / (old + 1);
}

/**
 * Makes the record of a Scale layer from its blobs, `[scale]` or `[scale, bias]`. For a Scale with two bottoms, they
 * are `[]` or `[bias]`, and the shape of bottom[1] is needed.
 *
 * Errors: `ERR_BN_PARAM` for a wrong number of blobs.
 */
export async function readScale(
  blobs: readonly Blob[],
  {
    name = "",
    axis = 1,
    twoBottoms,
  }: {
    readonly name?: string;
    readonly axis?: number;
    readonly twoBottoms?: { readonly shape: Shape; readonly dtype: Dtype };
  } = {},
): Promise<ScaleRecord> {
  const most = twoBottoms ? 1 : 2;
  if (blobs.length > most || (!twoBottoms && blobs.length === 0)) {
    const expected = twoBottoms ? "none, or the bias" : "the scale, and the bias if there is one; call setUp() first";
    throw paramError(`readScale: ${blobs.length} blobs, expected ${expected}`);
  }
  const values = await Promise.all(blobs.map((blob) => blob.read()));
  const { shape, dtype } = twoBottoms ?? (blobs[0] as Blob);
  return {
    type: "Scale",
    name,
    dtype,
    channels: shape.reduce((a, b) => a * b, 1),
    statistics: null,
    gamma: twoBottoms ? null : (values[0] as HostArray),
    beta: values[most - 1] ?? null,
    axis,
    phase: "test",
    parameterShape: shape,
    source: BLOBS,
  };
}

function checkValues(values: readonly ArrayLike<number>[]): void {
  if (values.length < 3 || values.length > 5) {
    throw paramError(
      `readBatchNorm: ${values.length} blobs, expected 3 to 5: mean, variance, factor, then gamma and beta of a Scale; call setUp() first`,
    );
  }
  const [mean] = values as [ArrayLike<number>];
  const kind = (blob: ArrayLike<number>) => (blob as object).constructor.name;
  if (!(mean instanceof Float32Array || mean instanceof Float64Array)) {
    throw new BnError(
      "ERR_BN_SHAPE",
      `readBatchNorm: blobs[0] is ${kind(mean)}, expected Float32Array or Float64Array`,
    );
  }
  for (const [i, blob] of values.entries()) {
    const expected = i === 2 ? 1 : mean.length;
    // The factor is one number, which may also be given as [1].
    const typed = i === 2 && Array.isArray(blob) ? true : kind(blob) === kind(mean);
    if (blob.length === expected && typed && blob.length > 0) continue;
    throw new BnError(
      "ERR_BN_SHAPE",
      `readBatchNorm: blobs[${i}] has shape [${blob.length}] (${kind(blob)}), expected [${expected}] as blobs[0] [${mean.length}] (${kind(mean)}); only a Scale with one axis, the channels, can be used`,
    );
  }
}
