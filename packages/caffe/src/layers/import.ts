import type { Diagnostic, DiagnosticKind, LayerSource } from "@bn/onnx";
import type { CaffeFile } from "../file.ts";
import { type Network, type NetworkLayer, type NetworkOptions, openNetwork, readersOf } from "../net/network.ts";
import { assemble, assembleScale } from "./assemble.ts";
import { diagnose } from "./diagnose/index.ts";
import type { Dialect } from "./dialect.ts";
import { readNorm } from "./norm.ts";
import type { Hint } from "./recognize.ts";
import type { CaffeRecord } from "./record.ts";
import { readScale } from "./scale.ts";
import { kindOf, type Sample, spreadOf, spreadText } from "./spread.ts";
import { storedLayer } from "./stored.ts";

export interface ImportNetOptions extends NetworkOptions {
  /** The dialect of layers whose blobs are ambiguous. */
  readonly dialect?: Dialect | undefined;
}

export interface ImportedNet {
  /** The layers in the net's order. A Scale that follows its BatchNorm is part of that record. */
  readonly layers: readonly CaffeRecord[];
  readonly diagnostics: readonly Diagnostic[];
  readonly network: Network;
}

/**
 * Reads, as records, every BatchNorm of a network with the Scale after it, every other Scale, and the layers of forks.
 *
 * Math    blobs stay as stored: sums and their factor. Forks that store averages give factor 1. phase is "test" if the
 *         layer uses its statistics (use_global_stats, or the net's phase), otherwise "train".
 * Errors  `ERR_BN_DATA` as for `openNetwork`, and for blobs that cannot be decoded. A layer that cannot be read is left
 *         out, with a diagnostic that says why.
 *
 * Source: BVLC Caffe, batch_norm_layer.cpp, scale_layer.cpp; docs/caffe-files.md.
 *
 * @example
 * ```ts
 * import { encodeBlob, importNet, readNet } from "@bn/caffe";
 * const net = readNet('input: "x" layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y" }');
 * net.message.layer[0]!.blobs = [[6], [8], [2]].map((data) => encodeBlob({ shape: [1], data: Float32Array.from(data) }));
 * const { layers } = importNet({ net });
 * console.log(layers[0]!.type, layers[0]!.statistics!.mean, layers[0]!.caffe.dialect); // BatchNorm Float32Array(1) [ 6 ] caffe
 * ```
 */
export function importNet(options: ImportNetOptions): ImportedNet {
  const network = openNetwork(options);
  const layers: CaffeRecord[] = [];
  const diagnostics: Diagnostic[] = [];
  const taken = new Set<NetworkLayer>();
  const hint = options.dialect === undefined ? hintOf(network) : null;
  for (const layer of network.layers) {
    if (!["BatchNorm", "BN", "Scale"].includes(layer.type) || taken.has(layer)) continue;
    const say = (kind: DiagnosticKind, what: string, about: NetworkLayer = layer) =>
      diagnostics.push({ kind, node: about.name, message: `${about.label}: ${what}` });
    const record =
      layer.type === "Scale"
        ? readLone(layer, network, say)
        : readPair(layer, network, { given: options.dialect, hint }, say, taken);
    if (record) layers.push(record);
  }
  diagnostics.push(...diagnose(layers, network, options.net ?? (options.weights as CaffeFile)));
  return { layers, diagnostics, network };
}

type Say = (kind: DiagnosticKind, what: string, about?: NetworkLayer) => void;

function readPair(
  layer: NetworkLayer,
  network: Network,
  { given, hint }: { readonly given: Dialect | undefined; readonly hint: Hint | null },
  say: Say,
  taken: Set<NetworkLayer>,
): CaffeRecord | null {
  const stored = storedLayer(layer, network);
  if (stored.blobs.length === 0) {
    say(
      "left out",
      "the weights have no blobs for it: they are missing, or under another name; with these weights Caffe runs it untrained",
    );
    return null;
  }
  const norm = readNorm(layer, stored, network.net, given, hint);
  if ("broken" in norm) {
    say("left out", norm.broken);
    return null;
  }
  for (const [kind, what] of norm.constants.notes) say(kind, what);
  const source = (nodes: readonly string[]): LayerSource => ({ format: "caffe", nodes, where: "" });
  const follower = norm.values.gamma ? null : scaleAfter(layer, network);
  const channels = norm.values.mean?.length ?? norm.values.gamma?.length ?? 0;
  const scale = follower && readScale(follower, storedLayer(follower, network).blobs);
  const fits =
    scale && !("broken" in scale) && scale.gamma && scale.axis === 1 && String(scale.shape) === String([channels]);
  if (!follower || !scale || !fits) {
    return assemble({ layer, norm, stored: [stored], scale: null, network, source: source([layer.name]) });
  }
  taken.add(follower);
  for (const note of scale.notes) say("converted", note, follower);
  const both = [stored, storedLayer(follower, network)];
  return assemble({ layer, norm, stored: both, scale, network, source: source([layer.name, follower.name]) });
}

/** The Scale that is the only reader of a layer's top. */
function scaleAfter(layer: NetworkLayer, { layers }: Network): NetworkLayer | null {
  const [only, other] = readersOf(layers)({ layer: layer.index, top: 0 });
  return only && !other && only.type === "Scale" && only.bottoms.length === 1 ? only : null;
}

function readLone(layer: NetworkLayer, network: Network, say: Say): CaffeRecord | null {
  const stored = storedLayer(layer, network);
  const scale = readScale(layer, stored.blobs);
  if ("broken" in scale) {
    say("left out", scale.broken);
    return null;
  }
  for (const note of scale.notes) say("converted", note);
  return assembleScale(layer, scale, stored, network);
}

/**
 * For BN layers with four blobs: whether the last one is a variance or 1 / std, which shows in how it grows over the
 * whole network.
 */
function hintOf(network: Network): Hint | null {
  const samples = network.layers.flatMap((layer): Sample[] => {
    const values =
      layer.type === "BN" && layer.blobs.length === 4 ? storedLayer(layer, network).blobs[3]?.data : undefined;
    return values ? [{ layer, values }] : [];
  });
  const spread = samples.length > 0 ? spreadOf(samples, network) : null;
  const kind = spread && kindOf(spread);
  if (!spread || (kind !== "variance" && kind !== "inverse std")) return null;
  return { dialect: kind === "variance" ? "bn-variance" : "bn-inverse-std", evidence: spreadText(spread) };
}
