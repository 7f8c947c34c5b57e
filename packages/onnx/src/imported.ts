import { type Backend, type Blob, BnError, createBatchNormScale, createBlob, type Layer, type Phase } from "@bn/core";
import type { ImportedLayer } from "./import.ts";
import type { OnnxBatchNorm } from "./read.ts";

export interface CreateOptions {
  readonly name?: string;
  /** Default: the node's, "test" where that is not known. */
  readonly phase?: Phase;
  /**
   * How the average goes on in training. "exact", the default: factor 1, every bit of the statistics kept; the first step
   * then weighs the batch by 1 / (fraction + 1). "steady": factor 1 / (1 - fraction), each step as in ONNX, and the
   * statistics within 3 u of the model's.
   */
  readonly average?: "exact" | "steady";
}

/** A layer and the blobs that it was given. */
export interface CreatedLayer extends Disposable {
  /** Not set up yet. */
  readonly layer: Layer;
  /** mean, variance, factor, gamma, beta. */
  readonly blobs: readonly Blob[];
  /** Frees both. */
  dispose(): void;
}

/**
 * A layer on `backend` that does what the node does: y = (x - mean) / sqrt(variance + epsilon) * scale + B.
 *
 * Errors: `ERR_BN_BACKEND`, a dtype that the backend has not; `ERR_BN_PARAM`, a momentum outside of [0, 1] in phase
 * "train" or of [0, 1) with "steady"; `ERR_BN_MEMORY`.
 *
 * @example
 * ```ts
 * import { createBlob } from "@bn/core";
 * import { createCpu } from "@bn/cpu";
 * import { buildModel, createImported, importModel } from "@bn/onnx";
 * const cpu = await createCpu();
 * const two = new Float32Array([2]);
 * const node = { dtype: "float32", scale: two, bias: two, mean: two, variance: two, epsilon: 2, momentum: 0.9 } as const;
 * const { layers } = await importModel(buildModel(node));
 * const { layer } = createImported(cpu, layers[0]!);
 * const [x, y] = [createBlob(cpu, [3, 1]), createBlob(cpu)];
 * x.write([2, 4, 8]);
 * layer.setUp([x], [y]);
 * layer.forward([x], [y]);
 * console.log(await y.read()); // Float32Array(3) [ 2, 4, 8 ]
 * ```
 */
export function createImported(
  backend: Backend,
  node: OnnxBatchNorm & Partial<Pick<ImportedLayer, "name" | "phase">>,
  options: CreateOptions = {},
): CreatedLayer {
  const { name = node.name ?? "", phase = node.phase ?? "test", average = "exact" } = options;
  const { dtype, epsilon, momentum } = node;
  if (average === "steady" && !(momentum >= 0 && momentum < 1)) {
    const what = `momentum is ${momentum}, and a steady average needs a number in [0, 1); take average "exact"`;
    throw new BnError("ERR_BN_PARAM", `createImported "${name}": ${what}`);
  }
  const factor = average === "exact" ? 1 : 1 / (1 - Math.fround(momentum));
  const made: Disposable[] = [];
  const own = <T extends Disposable>(resource: T): T => {
    made.push(resource);
    return resource;
  };
  const dispose = () => {
    for (const resource of made.toReversed()) resource[Symbol.dispose]();
  };
  try {
    const weighted = (values: ArrayLike<number>) => Float64Array.from(values, (value) => value * factor);
    const values = [weighted(node.mean), weighted(node.variance), [factor], node.scale, node.bias];
    const blobs = values.map((numbers) => {
      const blob = own(createBlob(backend, [numbers.length], dtype));
      blob.write(numbers);
      return blob;
    });
    // In inference momentum has no say, and a wrong one does no harm.
    const fraction = phase === "train" ? { movingAverageFraction: momentum } : {};
    const layer = own(createBatchNormScale({ name, phase, eps: epsilon, biasTerm: true, blobs, ...fraction }));
    return { layer, blobs, dispose, [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}
