import { foldAttemptsOfNet, foldNet, foldTasksOfNet, readNet, readWeights, writeNet, writeWeights } from "@bn/caffe";
import { type FoldTask, judgeFolds } from "@bn/onnx";
import { describe, expect, it } from "vitest";
import { bytesOf, textOf } from "./files.ts";

const NETWORKS = [
  ["yoloface-50k", "models/yoloface-50k/yoloface-50k.prototxt", "models/yoloface-50k/yoloface-50k.caffemodel"],
  ["landmark106", "models/landmark106/landmark106.prototxt", "models/landmark106/landmark106.caffemodel"],
  ...["bn_no_scale", "conv_bn_scale_relu_ip", "double_conv_bn_scale", "ip_bn_scale", "multi_bn_eps"].map(
    (name) => [name, `nets/${name}/deploy.prototxt`, `nets/${name}/trained.caffemodel`] as const,
  ),
] as const;

interface Numbers {
  readonly gamma: readonly number[];
  readonly beta: readonly number[];
  /** The sums in the blobs, and the factor that they are divided by. */
  readonly mean: readonly number[];
  readonly variance: readonly number[];
  readonly factor: number;
  readonly eps: number;
  readonly bias: readonly number[];
}

/** One layer folded from blobs as Caffe's users do it; `factor` divides the sums. */
function fold({ gamma, beta, mean, variance, factor, eps, bias }: Numbers) {
  const s = factor === 0 ? 0 : 1 / factor;
  const gain = gamma.map((g, c) => g / Math.sqrt(variance[c]! * s + eps));
  return { gain, bias: gain.map((g, c) => (bias[c]! - mean[c]! * s) * g + beta[c]!) };
}

type Folded = ReturnType<typeof fold>;
const shifted = (values: readonly number[]) => values.map((_, c) => values[(c + 1) % values.length]!);
const zeros = (values: readonly number[]) => values.map(() => 0);

/**
 * Whether the bias matters. A few steps of training may leave it at 1e-9, below the last digit of what it is added to.
 */
const hasBias = ({ bias }: Numbers) => bias.some((b) => Math.abs(b) > 1e-5);

/**
 * Possible mistakes, with the words that must describe them. A function returns null if the layer cannot show the
 * mistake.
 */
const MISTAKES: readonly (readonly [RegExp, (n: Numbers) => Folded | null])[] = [
  [/epsilon was left out of the root/, (n) => fold({ ...n, eps: 0 })],
  [/epsilon 0\.0123 was used/, (n) => fold({ ...n, eps: 0.0123 })],
  [/the factor \S+ was ignored/, (n) => (n.factor === 1 ? null : fold({ ...n, factor: 1 }))],
  [/the factor \S+ was applied twice/, (n) => (n.factor === 1 ? null : fold({ ...n, factor: n.factor ** 2 }))],
  [/gamma was lost/, (n) => (n.gamma.every((g) => g === 1) ? null : fold({ ...n, gamma: n.gamma.map(() => 1) }))],
  [/beta was lost/, (n) => (n.beta.every((b) => b === 0) ? null : fold({ ...n, beta: zeros(n.beta) }))],
  [/the mean was lost/, (n) => fold({ ...n, mean: zeros(n.mean) })],
  [
    /the layer's own bias was not scaled/,
    (n) => {
      if (!hasBias(n)) return null;
      const { gain, bias } = fold({ ...n, bias: zeros(n.bias) });
      return { gain, bias: bias.map((value, c) => value + n.bias[c]!) };
    },
  ],
  [/the layer's own bias was lost/, (n) => (!hasBias(n) ? null : fold({ ...n, bias: zeros(n.bias) }))],
  [
    /channels are (shifted by|reversed)/,
    (n) =>
      fold({
        ...n,
        ...{ gamma: shifted(n.gamma), beta: shifted(n.beta), mean: shifted(n.mean), variance: shifted(n.variance) },
      }),
  ],
];

function numbersOf({ steps: [step], bias, layout }: FoldTask): Numbers | null {
  if (!step?.norm) return null;
  const { statistics, gamma, beta, eps } = step.norm;
  const wide = (values: ArrayLike<number> | null, absent: number) =>
    Array.from({ length: layout.outputs }, (_, c) => values?.[c] ?? absent);
  return {
    ...{ gamma: wide(gamma, 1), beta: wide(beta, 0), bias: wide(bias, 0), eps, factor: statistics.factor },
    ...{ mean: Array.from(statistics.mean), variance: Array.from(statistics.variance) },
  };
}

describe.each(NETWORKS)("%s", (_, prototxt, caffemodel) => {
  const files = {
    net: readNet(textOf(prototxt), { file: prototxt }),
    weights: readWeights(bytesOf(caffemodel), { file: caffemodel }),
  };
  const tasks = foldTasksOfNet(files);
  const folded = foldNet(files);
  const attempts = foldAttemptsOfNet({
    net: readNet(writeNet(folded.net as NonNullable<typeof folded.net>)),
    weights: readWeights(writeWeights(folded.weights as NonNullable<typeof folded.weights>)),
  });

  it("every mistake that is planted in it is named, layer for layer", () => {
    let planted = 0;
    // In a deep network, each layer is tested with some mistakes, and each mistake in some layers.
    const every = Math.ceil(tasks.tasks.length / 6);
    for (const [l, task] of tasks.tasks.entries()) {
      const numbers = numbersOf(task);
      if (numbers === null) continue;
      for (const [k, [words, make]] of MISTAKES.entries()) {
        const wrong = (k + l) % every === 0 ? make(numbers) : null;
        if (wrong === null) continue;
        const weights = Float32Array.from(task.weights, (w, i) => w * wrong.gain[task.layout.out(i)]!);
        const layers = attempts.layers.map((one) =>
          one.label === task.label ? { ...one, weights, bias: Float32Array.from(wrong.bias) } : one,
        );
        const rows = judgeFolds({ ...tasks, tasks: [task] }, { ...attempts, layers });
        const [row] = rows;
        // An epsilon far below every variance changes no number by as much as one rounding.
        if (row?.status === "right" && /epsilon was left/.test(words.source)) continue;
        expect([task.label, row?.status, row?.mistake]).toEqual([task.label, "wrong", expect.stringMatching(words)]);
        planted++;
      }
    }
    expect(planted).toBeGreaterThan(4);
  });
});
