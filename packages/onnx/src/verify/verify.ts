import type { Backend, Shape } from "@bn/core";
import type { ReadExternal } from "../graph/external.ts";
import { bytesOf, readModel } from "../graph/load.ts";
import { upgrade } from "../graph/upgrade.ts";
import type { NormRecord } from "../layers/record.ts";
import { findNodes } from "./nodes.ts";
import type { VerifyReport, VerifyRow } from "./report.ts";
import type { Tensor } from "./runtime.ts";
import { runTapped } from "./tap.ts";
import { verifyNode } from "./verify-node.ts";

export interface VerifyOptions {
  /** Shapes of inputs by name, where the model leaves axes open and the choice of `planInputs` is not wanted. */
  readonly shapes?: Readonly<Record<string, Shape>>;
  /** Values of inputs by name; of the others they are made up. Their shapes stand in for `shapes`. */
  readonly feeds?: Readonly<Record<string, Tensor>>;
  /**
   * The layers that nodes were made of, by the node's name: backends run these, with blobs as they were stored, and must
   * give what the node gives. Default: the node's own values, factor 1. A model without nodes is refused without it.
   */
  readonly layers?: ReadonlyMap<string, NormRecord>;
  /** Reads the files that the model keeps data in; `openModel` of `@bn/onnx/node` gives it. */
  readonly external?: ReadExternal;
  /** Of the input that is made up. The same seed gives the same input. Default "bn". */
  readonly seed?: string;
  /** Called after each node, in the model's order. */
  readonly onRow?: (row: VerifyRow, done: number, total: number) => void;
  /** Looked at between nodes and between backends; rejects with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a network in ONNX Runtime on the given input, or on one made up for it, and lets every backend repeat each
 * BatchNormalization node on what the node saw there.
 *
 * Math    y = (x - mean) / sqrt(variance + epsilon) * scale + B with a fused layer in test phase, factor 1.
 * Shapes  X [N, C, ...] of any size; nodes at the top level, in inference, float32 or float64. Networks of operator
 *         sets 1 to 6 are rewritten as 7 first. Others are rows without numbers, or diagnostics.
 * Errors  `ERR_BN_DATA`, naming node and tensor, for a model that cannot be read, checked or run; `ERR_BN_PARAM` for
 *         shapes or feeds that do not fit; `ERR_BN_UNAVAILABLE` without onnxruntime-node. A backend that disagrees, lacks the
 *         dtype or throws is no error: its status says so. Backends are used one after another and not disposed.
 *
 * @example
 * ```ts
 * import { createCpu } from "@bn/cpu";
 * import { batchNormOf, buildModel } from "@bn/onnx";
 * import { verifyModel } from "@bn/onnx/verify";
 * const one = new Float32Array([1, 1]);
 * const { rows } = await verifyModel(buildModel(batchNormOf([one, one, [1], one, one])), [await createCpu()], { shapes: { X: [8, 2, 7, 7] } });
 * console.log(rows[0]!.node, rows[0]!.backends[0]!.status); // batch_norm passed
 * ```
 */
export async function verifyModel(
  bytes: Uint8Array,
  backends: readonly Backend[],
  { shapes = {}, feeds = {}, layers, external, seed = "bn", onRow, signal }: VerifyOptions = {},
): Promise<VerifyReport> {
  const { model, changed } = await readModel(bytes, external);
  const { nodes, diagnostics } = findNodes(model, layers !== undefined);
  const upgraded = upgrade(model);
  const whole = bytesOf(model, changed || upgraded, bytes);
  const { inputs, values } = await runTapped(whole, model, nodes, { shapes, feeds, seed, signal });
  const rows: VerifyRow[] = [];
  for (const node of nodes) {
    signal?.throwIfAborted();
    const row = await verifyNode(node, values, backends, layers?.get(node.name), signal);
    rows.push(row);
    onRow?.(row, rows.length, nodes.length);
  }
  return { inputs, rows, diagnostics };
}
