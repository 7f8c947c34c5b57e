import { type Blob, BnError, type Dtype, type HostArray, type Shape } from "@bn/core";

/** The operands and attributes of one BatchNormalization node. */
export interface OnnxBatchNorm {
  readonly dtype: Dtype;
  readonly scale: HostArray;
  readonly bias: HostArray;
  readonly mean: HostArray;
  readonly variance: HostArray;
  readonly epsilon: number;
  readonly momentum: number;
  /** The axis of channels, as of @bn/core. Default 1, ONNX's; any other is exported between two Transpose nodes. */
  readonly axis?: number;
}

/** A Scale layer: Mul and, with a bias, Add. */
export interface OnnxScale {
  readonly dtype: Dtype;
  /** The values, or null where they come as a second bottom. */
  readonly scale: HostArray | null;
  /** Of the scale, and the axis of X at which it starts. */
  readonly shape: Shape;
  readonly axis: number;
  readonly bias: HostArray | null;
}

export type OnnxLayer = OnnxBatchNorm | OnnxScale;

/** What a layer knows beside its blobs; defaults as in @bn/core. */
export interface LayerConstants {
  readonly eps?: number;
  readonly movingAverageFraction?: number;
  readonly axis?: number;
  /**
   * m, the values a channel in the batches of training: divides the stored variance by m / (m - 1), so that training goes
   * on in ONNX with statistics all of one kind. Inference then differs from the layer's. Default: the variance as stored.
   */
  readonly populationOf?: number;
}

/**
 * What ONNX needs to know of a BatchNorm layer, of a fused one, or of BatchNorm and the Scale after it.
 *
 * Math    scale = gamma, or 1; B = beta, or 0. mean and var are the sums divided by the factor as BN-6 does it:
 *         s = fl(1 / factor), or 0 where that is 0, and fl(sum * s): bit for bit what the layer itself uses.
 *         momentum = movingAverageFraction: ONNX steps new = momentum * old + (1 - momentum) * batch, which is what
 *         sums and factor do once factor has reached its limit 1 / (1 - fraction). Before that a step of ours has the
 *         momentum that `momentumAt` tells. ONNX averages the variance over m, we store it times m / (m - 1) (BN-7):
 *         values go over as they are, and a training step there takes in a variance smaller by that factor; with
 *         `populationOf` they are brought to ONNX's kind first.
 * Shapes  blobs [mean, variance, factor], then [gamma] and [beta]: `layer.blobs`, or
 *         `[...batchNorm.blobs, ...scale.blobs]`.
 * Errors  `ERR_BN_PARAM`, the number of blobs; `ERR_BN_SHAPE`, their shapes.
 */
export async function readBatchNorm(blobs: readonly Blob[], constants: LayerConstants = {}): Promise<OnnxBatchNorm> {
  for (const [i, { shape }] of blobs.entries()) {
    if (shape.length === 1) continue;
    const cure = "expected one axis; only a Scale of one axis, the channels, fits";
    throw new BnError("ERR_BN_SHAPE", `readBatchNorm: blobs[${i}] has shape [${shape}], ${cure}`);
  }
  return batchNormOf(await Promise.all(blobs.map((blob) => blob.read())), constants);
}

/** The same from the blobs' values: of a file, or of another framework. Errors: as `readBatchNorm`. */
export function batchNormOf(values: readonly HostArray[], constants: LayerConstants = {}): OnnxBatchNorm {
  const { eps = 1e-5, movingAverageFraction = 0.999, axis = 1, populationOf: m } = constants;
  checkValues(values);
  if (m !== undefined && !(m >= 1)) {
    throw new BnError("ERR_BN_PARAM", `readBatchNorm: populationOf is ${m}, expected the number of values a channel`);
  }
  const population = m === undefined || m === 1 ? 1 : (m - 1) / m;
  const [mean, variance, factor, gamma, beta] = values as [HostArray, HostArray, HostArray, HostArray?, HostArray?];
  const dtype = mean instanceof Float32Array ? "float32" : "float64";
  const channels = mean.length;
  const weight = factor[0] as number;
  const s = arrayOf(dtype, [weight === 0 ? 0 : 1 / weight])[0] as number;
  return {
    dtype,
    scale: gamma ?? arrayOf(dtype, new Array(channels).fill(1)),
    bias: beta ?? arrayOf(dtype, new Array(channels).fill(0)),
    mean: mean.map((sum) => sum * s),
    variance: variance.map((sum) => sum * s).map((value) => value * population),
    epsilon: Math.fround(eps),
    momentum: Math.fround(movingAverageFraction),
    ...(axis === 1 ? {} : { axis }),
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
 * What ONNX needs to know of a Scale layer: its blobs, `[scale]` or `[scale, bias]`; of one with two bottoms `[]` or
 * `[bias]`, and the shape of bottom[1].
 *
 * Errors: `ERR_BN_PARAM`, the number of blobs.
 */
export async function readScale(
  blobs: readonly Blob[],
  {
    axis = 1,
    twoBottoms,
  }: { readonly axis?: number; readonly twoBottoms?: { readonly shape: Shape; readonly dtype: Dtype } } = {},
): Promise<OnnxScale> {
  const most = twoBottoms ? 1 : 2;
  if (blobs.length > most || (!twoBottoms && blobs.length === 0)) {
    const expected = twoBottoms
      ? "none, or the bias"
      : "the scale, and the bias where there is one; call setUp() before";
    throw new BnError("ERR_BN_PARAM", `readScale: ${blobs.length} blobs, expected ${expected}`);
  }
  const values = await Promise.all(blobs.map((blob) => blob.read()));
  const { shape, dtype } = twoBottoms ?? (blobs[0] as Blob);
  return {
    dtype,
    shape,
    axis,
    scale: twoBottoms ? null : (values[0] as HostArray),
    bias: values[most - 1] ?? null,
  };
}

function checkValues(values: readonly HostArray[]): void {
  if (values.length < 3 || values.length > 5) {
    throw new BnError(
      "ERR_BN_PARAM",
      `readBatchNorm: ${values.length} blobs, expected 3 to 5: mean, variance, factor, then gamma and beta of a Scale; call setUp() before`,
    );
  }
  const [mean] = values as [HostArray];
  for (const [i, blob] of values.entries()) {
    const expected = i === 2 ? 1 : mean.length;
    if (blob.length === expected && blob.constructor === mean.constructor && blob.length > 0) continue;
    throw new BnError(
      "ERR_BN_SHAPE",
      `readBatchNorm: blobs[${i}] has shape [${blob.length}] (${blob.constructor.name}), expected [${expected}] as blobs[0] [${mean.length}] (${mean.constructor.name}); only a Scale of one axis, the channels, fits`,
    );
  }
}

function arrayOf(dtype: Dtype, values: ArrayLike<number>): HostArray {
  return dtype === "float32" ? Float32Array.from(values) : Float64Array.from(values);
}
