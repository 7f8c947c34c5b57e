import { type Case, type CaseOptions, type Comparison, oracle, type Random, random } from "@bn/conformance";
import type { Backend, Dtype, Shape } from "@bn/core";
import { type Compared, type Problem, validateInference, validateTraining } from "./validate-layer.ts";

const SHAPES: readonly Shape[] = [
  [1, 1],
  [5, 3],
  [2, 3, 5],
  [2, 3, 4, 4],
  [8, 5, 7, 7],
  [3, 2, 2, 3, 4],
  [1, 65, 1, 1],
  [2, 257, 3, 1],
  [4, 2, 33, 65],
];

/** The mean and deviation of the values. Each channel's mean is multiplied by a factor of its own between 1 and 2. */
const DISTRIBUTIONS: Readonly<Record<string, readonly [mean: number, deviation: number]>> = {
  unit: [0, 1],
  offset: [3, 1],
  "offset-1e2": [1e2, 1],
  "offset-1e3": [-1e3, 1],
  "offset-1e4": [1e4, 1],
  "offset-1e6": [1e6, 1],
  tiny: [0, 1e-4],
  large: [0, 1e6],
  constant: [7, 0],
};

/**
 * The layer, and the state of its average: `first` replaces the initial values, `steady` has factor 1 / (1 - fraction).
 */
const VARIANTS = ["plain", "affine"] as const;
const AVERAGES = ["first", "steady"] as const;
const EPS = 1e-5;
const FRACTION = 0.9;

interface Setting {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly values: readonly [mean: number, deviation: number];
  readonly affine: boolean;
  readonly steady: boolean;
}

/**
 * Cases that use ONNX Runtime as an independent truth. Every case runs a layer of @bn/core on the backend, exports its
 * blobs to a model with one BatchNormalization node, and compares the result with that of onnxruntime-node. The cases
 * cover forward in test phase (O-1), and training mode with the running statistics (O-2, O-3), over shapes,
 * distributions and dtypes. The tier `quick` has some of them.
 */
export function onnxCases({ tier = "default" }: Pick<CaseOptions, "tier"> = {}): Case[] {
  const all = allCases();
  return tier === "quick" ? all.filter((_, i) => i % QUICK_STEP === 0) : all;
}

/** A prime that divides no number of settings, so that every shape, distribution, dtype and variant occurs. */
const QUICK_STEP = 13;

function allCases(): Case[] {
  const settings = SHAPES.flatMap((shape) =>
    Object.entries(DISTRIBUTIONS).flatMap(([name, values]) =>
      (["float32", "float64"] as const).flatMap((dtype) =>
        VARIANTS.map((variant) => ({
          id: `${name}/${shape.join("x")}/${dtype}/${variant}`,
          setting: { shape, dtype, values, affine: variant === "affine", steady: false },
        })),
      ),
    ),
  );
  return settings.flatMap(({ id, setting }) => {
    const inference = `onnxruntime/inference/${id}`;
    const needs = { dtype: setting.dtype };
    const steps = AVERAGES.map((average): Case => {
      const training = `onnxruntime/training/${id}/${average}`;
      const run: Case["run"] = ({ backend }) =>
        runTraining(backend, training, { ...setting, steady: average === "steady" });
      return { id: training, group: "onnxruntime", clause: "O-2", needs, run };
    });
    const run: Case["run"] = ({ backend }) => runInference(backend, inference, setting);
    return [{ id: inference, group: "onnxruntime", clause: "O-1", needs, run }, ...steps];
  });
}

const both = (compared: readonly Compared[]): Comparison[] => compared.map(({ onnxRuntime }) => onnxRuntime);
const SETTING = { eps: EPS, movingAverageFraction: FRACTION };

async function runInference(backend: Backend, seed: string, setting: Setting): Promise<Comparison[]> {
  return both(await validateInference(backend, problemOf(seed, setting, 3.5), SETTING));
}

async function runTraining(backend: Backend, seed: string, setting: Setting): Promise<Comparison[]> {
  const factor = setting.steady ? 1 / (1 - Math.fround(FRACTION)) : 0;
  // Once the factor has reached its limit, the momentum is the fraction itself.
  const momentum = setting.steady ? { momentum: Math.fround(FRACTION) } : {};
  return both(await validateTraining(backend, problemOf(seed, setting, factor), { ...SETTING, ...momentum }));
}

function problemOf(seed: string, { shape, dtype, values, affine }: Setting, factor: number): Problem {
  const { uniform, normal } = random(seed);
  const [outer, channels, inner] = [shape[0] ?? 0, shape[1] ?? 0, shape.slice(2).reduce((a, b) => a * b, 1)];
  const g = { outer, channels, inner };
  const offsets = Float64Array.from({ length: channels }, () => values[0] * (1 + uniform()));
  const array = (length: number) => (dtype === "float32" ? new Float32Array(length) : new Float64Array(length));
  const x = array(outer * channels * inner);
  oracle.each(g, (i, c) => {
    x[i] = (offsets[c] as number) + values[1] * normal();
  });
  // Sums as training leaves them: near the values' own mean and variance, times the factor.
  const mean = offsets.map((offset) => factor * (offset + values[1] * 0.1 * normal()));
  const variance = offsets.map(() => factor * values[1] ** 2 * (0.5 + uniform()));
  const draw = (of: Random["normal"]) => Float64Array.from({ length: channels }, of);
  const blobs = [mean, variance, [factor]];
  if (affine)
    blobs.push(
      draw(() => 0.5 + uniform()),
      draw(normal),
    );
  return { x, g, shape, dtype, blobs };
}
