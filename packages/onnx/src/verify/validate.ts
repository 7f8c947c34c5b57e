import type { Comparison } from "@bn/conformance";
import { type Backend, BnError, type HostArray, type Shape } from "@bn/core";
import { paramError } from "../graph/errors.ts";
import type { NormRecord } from "../layers/record.ts";
import { type Compared, type Problem, validateInference, validateTraining } from "./validate-layer.ts";

/** The input of a layer: one shape, [N, channels, ...], and its values. */
export interface ValidateInput {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

export type ValidateMode = "inference" | "training";

/**
 * Which result differs from float64: none, the backend's, ONNX Runtime's, or both. If none differs, the two also agree.
 */
export type Fault = "none" | "backend" | "onnxruntime" | "both";

/** One tensor of one layer in one mode. */
export interface ValidateRow {
  /** The layer's index in `layers`, and its name if it has one. */
  readonly layer: number;
  readonly name: string;
  readonly mode: ValidateMode;
  /** "top" and, in training, "running_mean" and "running_var". */
  readonly tensor: string;
  /** Whether neither differs from float64, and both agree. */
  readonly passed: boolean;
  readonly fault: Fault;
  /** The backend compared with float64, under the tight bound. */
  readonly float64: Comparison;
  /** ONNX Runtime compared with float64, under the bound of its own arithmetic. */
  readonly runtime: Comparison;
  /** The two compared with each other, under the sum of both bounds. */
  readonly onnxRuntime: Comparison;
}

export interface ValidateOptions {
  /** Default: both modes. */
  readonly modes?: readonly ValidateMode[];
}

/**
 * Runs each layer on `backend` and, exported, in ONNX Runtime. Compares both with float64 and with each other. If they
 * disagree, `fault` says which one is wrong.
 *
 * Math    inference with the layer's statistics (N-3, O-1); training with the batch's, and one step of the average from
 *         factor 1, momentum fraction / (fraction + 1) in ONNX (N-4, O-2, O-3).
 * Errors  `ERR_BN_PARAM`: there is neither one input for all layers nor one per layer; `ERR_BN_SHAPE`: an input does
 *         not fit its layer; `ERR_BN_BACKEND`: a dtype that the backend does not support; `ERR_BN_UNAVAILABLE` without
 *         onnxruntime-node.
 *
 * @example
 * ```ts
 * import { createCpu } from "@bn/cpu";
 * import { batchNormOf } from "@bn/onnx";
 * import { validate } from "@bn/onnx/verify";
 * const one = new Float32Array([1, 1]);
 * const layer = batchNormOf([one, one, [1], one, one]);
 * const rows = await validate(await createCpu(), [layer], [{ shape: [2, 2, 1], data: [1, 2, 3, 4] }]);
 * console.log(rows.map(({ fault }) => fault)); // [ 'none', 'none', 'none', 'none' ]
 * ```
 */
export async function validate(
  backend: Backend,
  layers: readonly NormRecord[],
  inputs: readonly ValidateInput[],
  { modes = ["inference", "training"] }: ValidateOptions = {},
): Promise<ValidateRow[]> {
  if (inputs.length !== 1 && inputs.length !== layers.length) {
    throw paramError(
      `validate: ${inputs.length} inputs for ${layers.length} layers, expected one for all layers, or one per layer`,
    );
  }
  const problems = layers.map((layer, i) => problemOf(i, layer, (inputs[i] ?? inputs[0]) as ValidateInput));
  const rows: ValidateRow[] = [];
  for (const [i, layer] of layers.entries()) {
    const setting = { eps: layer.eps, movingAverageFraction: layer.movingAverageFraction };
    for (const mode of modes) {
      const run = mode === "inference" ? validateInference : validateTraining;
      for (const compared of await run(backend, problems[i] as Problem, setting)) {
        rows.push({ layer: i, name: layer.name, mode, ...verdictOf(compared) });
      }
    }
  }
  return rows;
}

function verdictOf(compared: Compared) {
  const over = ({ ratio }: Comparison) => !(ratio <= 1);
  const [backend, runtime] = [over(compared.float64), over(compared.runtime)];
  const fault: Fault = backend && runtime ? "both" : backend ? "backend" : runtime ? "onnxruntime" : "none";
  return { tensor: compared.float64.what, passed: fault === "none" && !over(compared.onnxRuntime), fault, ...compared };
}

function problemOf(i: number, layer: NormRecord, { shape, data }: ValidateInput): Problem {
  const { axis, dtype, channels, statistics, gamma, beta } = layer;
  const fail = (what: string) =>
    new BnError("ERR_BN_SHAPE", `validate: inputs[${i}] has shape [${shape}] and ${data.length} values, ${what}`);
  if (axis !== 1) throw paramError(`validate: layers[${i}] has axis ${axis}, expected 1, as in ONNX`);
  if (shape.length < 2 || shape[1] !== channels) throw fail(`expected [N, ${channels}, ...] as in its layer`);
  const count = (start: number) => shape.slice(start).reduce((a, b) => a * b, 1);
  if (count(0) !== data.length || data.length === 0) throw fail(`expected ${count(0)} values, and one at least`);
  const x: HostArray = dtype === "float32" ? Float32Array.from(data) : Float64Array.from(data);
  const g = { outer: shape[0] ?? 0, channels: channels, inner: count(2) };
  return {
    x,
    g,
    shape,
    dtype,
    blobs: [
      statistics.mean,
      statistics.variance,
      [statistics.factor],
      ...[gamma, beta].filter((blob) => blob !== null),
    ],
  };
}
