import { bounds, compare, oracle } from "@bn/conformance";
import { type Backend, BnError, type Dtype, type Geometry, type HostArray, type Shape } from "@bn/core";
import type { NormNode } from "../layers/nodes.ts";
import type { NormRecord } from "../layers/record.ts";
import { TRAINING } from "./nodes.ts";
import { runLayer } from "./repeat.ts";
import type { BackendRow, VerifyRow } from "./report.ts";
import type { Tensor } from "./runtime.ts";
import { foldedBound, runtimePrecision } from "./runtime-bounds.ts";
import { inFloat32 } from "./validate-layer.ts";

/** One node on every backend, from the `values` that ONNX Runtime gave for the tensors it reads and writes. */
export async function verifyNode(
  node: NormNode,
  values: ReadonlyMap<string, Tensor>,
  backends: readonly Backend[],
  layer: NormRecord | undefined,
  signal: AbortSignal | undefined,
): Promise<VerifyRow> {
  const x = tensorOf(node, values, node.tensors.x);
  const base = { node: node.name, shape: x.shape, dtype: x.type };
  const why =
    (node.training ? TRAINING : null) ?? (isDtype(x.type) ? null : `X is ${x.type}, no backend of @bn has it`);
  if (why !== null || !isDtype(x.type)) {
    const skipped = backends.map((backend) => skip(backend, why ?? ""));
    return { ...base, meanOverStd: Number.NaN, onnxRuntime: null, backends: skipped };
  }
  const problem = problemOf(node, values, x, x.type, layer);
  const { g, eps, affine, stats, data, dtype } = problem;
  const expected = oracle
    .normalize(data, g, stats, eps, affine)
    .map(dtype === "float32" ? inFloat32 : (value) => value);
  const y = tensorOf(node, values, node.tensors.y).data as HostArray;
  const theirBound = foldedBound(runtimePrecision(dtype), data, g, stats, eps, affine, null);
  const onnxRuntime = compare("ONNX Runtime", y, expected, withRounding(theirBound, expected), g);
  const rows: BackendRow[] = [];
  for (const backend of backends) {
    signal?.throwIfAborted();
    rows.push(await verifyOn(backend, problem, expected, y, theirBound, onnxRuntime.ratio <= 1));
  }
  return {
    ...base,
    meanOverStd: problem.meanOverStd,
    onnxRuntime,
    backends: rows,
  };
}

function isDtype(type: string): type is Dtype {
  return type === "float32" || type === "float64";
}

/** The oracle's values were rounded once, to float64. */
function withRounding(bound: Float64Array, expected: Float64Array): Float64Array {
  return bound.map((own, i) => own + Math.abs(expected[i] as number) * 2 ** -53);
}

type Problem = ReturnType<typeof problemOf>;

function problemOf(node: NormNode, values: ReadonlyMap<string, Tensor>, x: Tensor, dtype: Dtype, layer?: NormRecord) {
  const { tensors } = node;
  const [scale, bias, mean, variance] = [tensors.scale, tensors.bias, tensors.mean, tensors.variance].map((name) => {
    const tensor = tensorOf(node, values, name);
    if (tensor.type === dtype) return tensor.data as HostArray;
    throw new BnError(
      "ERR_BN_DATA",
      `BatchNormalization ${node.label}: tensor "${name}" is ${tensor.type}, expected ${dtype} as X "${tensors.x}"; convert the model to one type`,
    );
  }) as [HostArray, HostArray, HostArray, HostArray];
  const g = geometryOf(node, x.shape);
  const ratio = (m: number, c: number) => Math.abs(m) / Math.sqrt((variance[c] ?? 0) + node.epsilon);
  return {
    g,
    dtype,
    shape: node.spatial ? x.shape : [g.outer, g.channels],
    data: x.data as HostArray,
    eps: node.epsilon,
    stats: { mean: oracle.channelsOf(mean), variance: oracle.channelsOf(variance) },
    affine: { gamma: oracle.channelsOf(scale), beta: oracle.channelsOf(bias) },
    layer: {
      eps: layer?.eps ?? node.epsilon,
      blobs: layer ? blobsOf(layer) : [mean, variance, [1], scale, bias],
    },
    meanOverStd: Float64Array.from(mean)
      .map(ratio)
      .reduce((a, b) => Math.max(a, b), 0),
  };
}

/** As @bn/core's fused layer has them. */
function blobsOf({ statistics, gamma, beta, channels }: NormRecord): ArrayLike<number>[] {
  const { mean, variance, factor } = statistics;
  const filled = (value: number) => new Array<number>(channels).fill(value);
  return [mean, variance, [factor], gamma ?? filled(1), beta ?? filled(0)];
}

/** A channel for each of axis 1, or with spatial = 0 for each position in all axes but the first. */
function geometryOf({ spatial }: NormNode, shape: Shape): Geometry {
  const count = (start: number) => shape.slice(start).reduce((a, b) => a * b, 1);
  const outer = shape[0] ?? 0;
  if (!spatial) return { outer, channels: count(1), inner: 1 };
  return { outer, channels: shape.length === 1 ? 1 : (shape[1] ?? 0), inner: count(2) };
}

async function verifyOn(
  backend: Backend,
  problem: Problem,
  expected: Float64Array,
  runtime: HostArray,
  runtimeBound: Float64Array,
  runtimeIsRight: boolean,
): Promise<BackendRow> {
  const { g, eps, affine, stats, data, dtype, shape, layer } = problem;
  if (!backend.supports.dtypes.includes(dtype)) return skip(backend, `supports.dtypes lacks ${dtype}`);
  if (!backend.supports.nonFinite && !expected.every(Number.isFinite)) {
    return skip(backend, "supports.nonFinite is false, and the node gives NaN or infinities");
  }
  try {
    const top = await runLayer(
      backend,
      { x: data, shape, dtype, blobs: layer.blobs },
      { phase: "test", eps: layer.eps },
    );
    const p = bounds.precisionOf(dtype, backend.supports);
    // A layer divides by its factor as the statistics of the node were: to the bit where division is exact.
    const errors = backend.supports.correctlyRounded
      ? null
      : { mean: bounds.globalBound(p, stats.mean), variance: bounds.globalBound(p, stats.variance) };
    const bound = bounds.normalizeBound(p, data, g, stats, eps, affine, errors);
    const float64 = compare("float64", top, expected, withRounding(bound, expected), g);
    const onnxRuntime = compare(
      "ONNX Runtime",
      top,
      runtime,
      bound.map((own, i) => own + (runtimeBound[i] as number)),
      g,
    );
    const off = [float64, onnxRuntime].filter(({ ratio }) => !(ratio <= 1));
    // Where ONNX Runtime is itself off float64, to be off it is no fault.
    const failed = off.some((found) => found === float64 || runtimeIsRight);
    const texts = off.map(({ what, ratio }) => `off ${what} by ${ratio.toPrecision(3)} of the bound`);
    if (off.includes(onnxRuntime) && !runtimeIsRight) texts.push("which is off float64 itself");
    return {
      backend: backend.name,
      status: failed ? "failed" : "passed",
      reason: texts.join("; "),
      float64,
      onnxRuntime,
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { backend: backend.name, status: "failed", reason, float64: null, onnxRuntime: null };
  }
}

function skip(backend: Backend, reason: string): BackendRow {
  return { backend: backend.name, status: "skipped", reason, float64: null, onnxRuntime: null };
}

function tensorOf(node: NormNode, values: ReadonlyMap<string, Tensor>, name: string): Tensor {
  const tensor = values.get(name);
  if (tensor) return tensor;
  throw new BnError(
    "ERR_BN_DATA",
    `BatchNormalization ${node.label}: ONNX Runtime gives no value of tensor "${name}"; export the model again`,
  );
}
