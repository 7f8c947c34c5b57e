import { fileSuspicions } from "../diagnose/file.ts";
import type { StoredNode } from "../diagnose/suspicion.ts";
import { dataError, modelError } from "../graph/errors.ts";
import type { ReadExternal } from "../graph/external.ts";
import { type ReadModel, readModel } from "../graph/load.ts";
import type { Diagnostic, DiagnosticKind } from "./diagnostic.ts";
import { loadWeights, readNodes, titleOf } from "./nodes.ts";
import type { BatchNormScaleRecord } from "./record.ts";
import { suspicions } from "./suspect.ts";

/**
 * The most channels of all layers together. Nodes may share a tensor, so a small file could describe any number of
 * layers.
 */
const MAX_CHANNELS = 2 ** 24;

export interface ImportOptions {
  /** Reads the files that the model keeps data in; `openModel` of `@bn/onnx/node` gives it. */
  readonly external?: ReadExternal;
  /** Leave out a damaged node, with a diagnostic, instead of refusing the model. Default false. */
  readonly partial?: boolean;
}

export interface Imported {
  /** The layers in the order of the model. Layers of subgraphs come after those of the top level. */
  readonly layers: readonly BatchNormScaleRecord[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads every BatchNormalization of a model, of any operator set, as the record of a layer.
 *
 * Math    statistics become sums with factor 1, which keeps every bit. momentum becomes movingAverageFraction. The
 *         weights may be initialisers, Constant nodes, or Identity of either, in raw_data, typed fields or other files,
 *         and float32, float64, float16 or bfloat16: the last two are converted to float32, exactly.
 * Errors  `ERR_BN_DATA`: the file cannot be read, has no BatchNormalization, or has a damaged one (missing tensors,
 *         types and shapes that do not fit); the message names node and tensor. A node whose weights are computed by
 *         the model is not damaged: it is left out, with a diagnostic.
 *
 * @example
 * ```ts
 * import { batchNormOf, buildModel, importModel } from "@bn/onnx";
 * const one = new Float32Array([1]);
 * const record = batchNormOf([one, one, [1], one, one], { eps: 0, movingAverageFraction: 0.5 });
 * const { layers, diagnostics } = await importModel(buildModel(record));
 * console.log(layers[0]!.movingAverageFraction, diagnostics[0]!.kind); // 0.5 suspect
 * ```
 */
export async function importModel(bytes: Uint8Array, options: ImportOptions = {}): Promise<Imported> {
  const read = readModel(bytes);
  await loadWeights(read, options.external);
  return importLayers(read, options.partial ?? false);
}

function importLayers(read: ReadModel, partial: boolean): Imported {
  const layers: BatchNormScaleRecord[] = [];
  const diagnostics: Diagnostic[] = [];
  let [nodes, channels] = [0, 0];
  const stored: StoredNode[] = [];
  for (const found of readNodes(read)) {
    nodes++;
    const { name: node } = found;
    const title = titleOf(found);
    const say = (kind: DiagnosticKind, what: string) => diagnostics.push({ kind, node, message: `${title}: ${what}` });
    if ("broken" in found) {
      if (!partial) throw dataError(`${title}: ${found.broken}`);
      say("damaged", found.broken);
    } else if (found.layer === null) {
      say("left out", found.computed ?? "");
    } else {
      channels += found.layer.channels;
      if (channels > MAX_CHANNELS) {
        const what = `with this node the model has ${channels} channels, expected at most ${MAX_CHANNELS}; import a part of the model`;
        throw dataError(`${title}: ${what}`);
      }
      layers.push(found.layer);
      for (const [kind, what] of found.notes) say(kind, what);
      for (const what of suspicions(found.layer)) say("suspect", what);
      stored.push({ ...found, layer: found.layer });
    }
  }
  for (const { node, what } of fileSuspicions(read.model, stored))
    diagnostics.push({ kind: "suspect", node: node.name, message: `${titleOf(node)}: ${what}` });
  if (nodes > 0) return { layers, diagnostics };
  throw modelError(
    `no BatchNormalization among the ${read.model.graph.node.length} nodes of the graph; if the export fused them into convolutions, export the model without fusion`,
  );
}
