import type { Backend, Blob, Layer, Phase } from "@bn/core";
import { type CreatedLayer, createLayer, isNormRecord, type LayerRecord } from "@bn/onnx";

export interface CreateLayersOptions {
  /** Default: the phase of the record. */
  readonly phase?: Phase;
  /** Create BatchNorm and Scale as one layer, which reads memory once. Default true. */
  readonly fused?: boolean;
}

/** Layers that run one after the other, with the blobs that were created for them. */
export interface CreatedLayers extends Disposable {
  /** The layers, before their setUp. */
  readonly layers: readonly Layer[];
  /** mean, variance, factor, gamma, beta, as far as the record has them; for a Scale, gamma and beta. */
  readonly blobs: readonly Blob[];
  /** Frees the layers and the blobs. */
  dispose(): void;
}

/**
 * Creates the layers of a record on `backend`, with its blobs as stored.
 *
 * Errors: `ERR_BN_BACKEND` for a dtype that the backend does not support (weights in double_data are float64);
 * `ERR_BN_PARAM` for a moving_average_fraction outside of [0, 1] in phase "train"; `ERR_BN_MEMORY`.
 *
 * @example
 * ```ts
 * import { createBlob } from "@bn/core";
 * import { createCpu } from "@bn/cpu";
 * import { createLayers, encodeBlob, importNet, readNet } from "@bn/caffe";
 * const net = readNet('input: "x" layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y" batch_norm_param { eps: 0 } }');
 * net.message.layer[0]!.blobs = [[6], [8], [2]].map((data) => encodeBlob({ shape: [1], data: Float32Array.from(data) }));
 * const cpu = await createCpu();
 * const { layers } = createLayers(cpu, importNet({ net }).layers[0]!);
 * const [x, y] = [createBlob(cpu, [2, 1]), createBlob(cpu)];
 * x.write([5, 7]);
 * layers[0]!.setUp([x], [y]);
 * layers[0]!.forward([x], [y]);
 * console.log(await y.read()); // Float32Array(2) [ 1, 2 ]
 * ```
 */
export function createLayers(backend: Backend, record: LayerRecord, options: CreateLayersOptions = {}): CreatedLayers {
  const { phase = record.phase, fused = true } = options;
  const made: CreatedLayer[] = [];
  const dispose = () => {
    for (const one of made.toReversed()) one.dispose();
  };
  try {
    for (const part of fused ? [record] : partsOf(record)) made.push(createLayer(backend, part, { phase }));
  } catch (error) {
    dispose();
    throw error;
  }
  const blobs = made.flatMap((one) => one.blobs);
  return { layers: made.map(({ layer }) => layer), blobs, dispose, [Symbol.dispose]: dispose };
}

/** BatchNorm and Scale as two layers, as in Caffe. */
function partsOf(record: LayerRecord): LayerRecord[] {
  if (!isNormRecord(record) || record.type === "BatchNorm") return [record];
  const { gamma, beta, name, dtype, axis, channels, phase, parameterShape, source } = record;
  const common = { dtype, axis, channels, phase, parameterShape, source };
  const scale = { type: "Scale", ...common, name: source.nodes[1] ?? name, statistics: null, gamma, beta } as const;
  return [{ ...record, type: "BatchNorm", gamma: null, beta: null }, scale];
}
