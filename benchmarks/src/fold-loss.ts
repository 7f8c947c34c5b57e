// `pnpm --filter @bn/benchmarks fold:loss` measures how many digits folding costs if |mean| is large compared with std
// (docs/folding.md, F-4). It runs one convolution with 72 products per output, normalized by the statistics of its own
// output, in ONNX Runtime, and compares with float64.
import { foldModel } from "@bn/onnx";
import { encodeModel, floatAttribute, nodeOf, tensorOf } from "@bn/onnx/graph";
import { proveFold } from "@bn/onnx/verify";

const say = (line: string) => process.stdout.write(`${line}\n`);

const [INPUTS, OUTPUTS, SIZE, KERNEL] = [8, 16, 24, 3];
const INNER = SIZE - KERNEL + 1;

let state = 2463534242;
/** A random number between -1 and 1. */
function next(): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 2 ** 31 - 1;
}

/** z of every output channel, in float64. */
function convolved(x: Float32Array, w: Float32Array): Float64Array[] {
  return Array.from({ length: OUTPUTS }, (_, o) =>
    Float64Array.from({ length: INNER * INNER }, (_, p) => {
      const [row, column] = [Math.floor(p / INNER), p % INNER];
      let sum = 0;
      for (let c = 0; c < INPUTS; c++)
        for (let k = 0; k < KERNEL * KERNEL; k++) {
          const at = (c * SIZE + row + Math.floor(k / KERNEL)) * SIZE + column + (k % KERNEL);
          sum += (w[(o * INPUTS + c) * KERNEL * KERNEL + k] as number) * (x[at] as number);
        }
      return sum;
    }),
  );
}

say("|mean| / std   digits by F-4   digits measured   original off by   folded off by   folded / original");
for (let power = 0; power <= 6; power++) {
  // All weights of an output have the same sign, so its mean grows with that of x, but its spread does not.
  const x = Float32Array.from({ length: INPUTS * SIZE * SIZE }, () => next() + 0.05 * 10 ** power);
  const w = Float32Array.from({ length: OUTPUTS * INPUTS * KERNEL * KERNEL }, () => 0.5 + 0.25 * next());
  const z = convolved(x, w);
  const mean = Float32Array.from(z, (all) => all.reduce((a, b) => a + b, 0) / all.length);
  const variance = Float32Array.from(
    z,
    (all, o) => all.reduce((sum, value) => sum + (value - (mean[o] as number)) ** 2, 0) / all.length,
  );
  const vector = (name: string, values: Float32Array) => tensorOf(name, [OUTPUTS], values);
  const bytes = encodeModel({
    name: "loss",
    opset: 15,
    dtype: "float32",
    inputs: [{ name: "x", shape: [1, INPUTS, SIZE, SIZE] }],
    outputs: [{ name: "y", shape: [1, OUTPUTS, INNER, INNER] }],
    nodes: [
      nodeOf("Conv", "conv", ["x", "w"], ["z"]),
      nodeOf(
        "BatchNormalization",
        "bn",
        ["z", "gamma", "beta", "mean", "var"],
        ["y"],
        [floatAttribute("epsilon", 1e-9)],
      ),
    ],
    initializers: [
      tensorOf("w", [OUTPUTS, INPUTS, KERNEL, KERNEL], w),
      vector("gamma", new Float32Array(OUTPUTS).fill(1)),
      vector("beta", new Float32Array(OUTPUTS)),
      vector("mean", mean),
      vector("var", variance),
    ],
  });
  const { bytes: folded, rows } = await foldModel(bytes);
  const feeds = { x: { type: "float32", shape: [1, INPUTS, SIZE, SIZE], data: x } };
  const {
    rows: [row],
  } = await proveFold(bytes, folded, { feeds });
  const ratio = mean.reduce((most, m, o) => Math.max(most, Math.abs(m) / Math.sqrt(variance[o] as number)), 0);
  const [original, after] = [row?.original?.error ?? Number.NaN, row?.float64?.error ?? Number.NaN];
  const cells = [
    ratio.toPrecision(3),
    rows[0]?.lostDigits.toFixed(1),
    row?.lostDigits.toFixed(1),
    original.toExponential(1),
    after.toExponential(1),
    (after / original).toFixed(2),
  ];
  const widths = [12, 16, 18, 18, 16, 20];
  say(cells.map((cell, i) => (cell ?? "").padStart(widths[i] ?? 0)).join(""));
}
