import type { FoldAttempts, FoldRow, FoldTasks, NamedNorm } from "@bn/onnx";
import { isNormRecord } from "@bn/onnx";
import { encodeBlob, replaceData } from "../binary/blob.ts";
import type { CaffeFile } from "../file.ts";
import { type ImportNetOptions, importNet } from "../layers/import.ts";
import type { CaffeRecord } from "../layers/record.ts";
import { storedLayer } from "../layers/stored.ts";
import { createMover } from "../net/moved.ts";
import type { NetworkLayer } from "../net/network.ts";
import {
  ConvolutionParameterSchema,
  InnerProductParameterSchema,
  type LayerParameter,
  LayerParameterSchema,
  NetParameterSchema,
} from "../schema/caffe_pb.ts";
import { biasParamOf, isCarrier, weightedOf } from "./carrier.ts";
import { type FoldLimits, type PlannedFold, planFolds } from "./plan.ts";

export interface FoldNetOptions extends ImportNetOptions, FoldLimits {}

export interface FoldedNet {
  /** The network without the folded layers; null if no network was given. */
  readonly net: CaffeFile | null;
  /** The weights, with other blobs in the layers that were changed and everything else unchanged. */
  readonly weights: CaffeFile | null;
  /** One row per BatchNorm with the Scale after it, and per other Scale. */
  readonly rows: readonly FoldRow[];
}

/**
 * Folds every BatchNorm + Scale of a network into the Convolution, Deconvolution or InnerProduct before it.
 *
 * Math    w' = w gain, b' = (b - mean) gain + beta over the outputs, gain = gamma / sqrt(variance / factor + eps), in
 *         float64 and rounded once (docs/folding.md, F-1). The layer gets a bias if it had none.
 * Errors  `ERR_BN_DATA` as for `importNet`.
 */
export function foldNet(options: FoldNetOptions): FoldedNet {
  const { layers: records, network } = importNet(options);
  const { folds, left } = planFolds(network, records, options);
  const rows = [
    ...folds.flatMap(({ layer, records: moved, lostDigits }) =>
      moved.map((record) => rowOf(record, { status: "folded", into: nameOf(layer), side: "behind", lostDigits })),
    ),
    ...left.map(({ record, reason }) => rowOf(record, { reason })),
  ];
  const net = options.net ? without(options.net, folds) : null;
  return { net, weights: options.weights ? without(options.weights, folds) : null, rows };
}

function rowOf({ name, type }: CaffeRecord, own: Partial<FoldRow>): FoldRow {
  const left = { status: "left", into: "", side: null, reason: "", lostDigits: 0, worstChannel: null } as const;
  return { node: name, operator: type, ...left, ...own };
}

const nameOf = ({ type, name }: Pick<NetworkLayer, "type" | "name">) => `${type} "${name}"`;

/** The folds with which `judgeFolds` of `@bn/onnx` compares a folded network. Errors: those of `importNet`. */
export function foldTasksOfNet(options: FoldNetOptions): FoldTasks {
  const { layers: records, network } = importNet(options);
  const { folds, left } = planFolds(network, records, options);
  const tasks = folds.map(({ layer, weighted, steps }) => {
    const { layout, weights, bias } = weighted;
    const label = nameOf(layer);
    const { data, shape: dims } = weights;
    return { label, layout, dims, weights: data, bias: bias?.data ?? null, biasFactor: 1, factor: 1, steps };
  });
  const reasons = left.map(({ record, reason }) => ({ name: record.name, reason }));
  return { tasks, norms: namedNorms(records), left: reasons };
}

/** The layers with weights of a network, for `judgeFolds`. Errors: those of `openNetwork`. */
export function foldAttemptsOfNet(options: ImportNetOptions): FoldAttempts {
  const { layers: records, network } = importNet(options);
  const layers = network.layers.filter(isCarrier).flatMap((layer) => {
    const weighted = weightedOf(layer, storedLayer(layer, network).blobs);
    if (typeof weighted === "string") return [];
    const { weights, bias } = weighted;
    const u = weights.stored === "float64" ? 2 ** -53 : weights.stored === "float16" ? 2 ** -11 : 2 ** -24;
    const label = nameOf(layer);
    return [{ label, weights: weights.data, bias: bias?.data ?? null, u, smallest: 2 ** -150, dims: weights.shape }];
  });
  const scales = records.filter(({ type }) => type === "Scale").map(({ name }) => name);
  return { layers, norms: namedNorms(records), constants: new Set(scales) };
}

function namedNorms(records: readonly CaffeRecord[]): NamedNorm[] {
  return records.flatMap((record) => (isNormRecord(record) ? [{ name: record.name, norm: record }] : []));
}

/** The file without the removed layers, and with the changed layers in place. */
function without(file: CaffeFile, folds: readonly PlannedFold[]): CaffeFile {
  const mover = createMover(file);
  const message = mover.copy(NetParameterSchema, file.message);
  const gone = new Set(folds.flatMap((fold) => fold.gone.map(({ name }) => name)));
  const taking = new Map(folds.map((fold) => [fold.layer.name, fold]));
  message.layer = message.layer.flatMap((layer): LayerParameter[] => {
    if (gone.has(layer.name)) return [];
    const fold = taking.get(layer.name);
    if (fold === undefined || layer.type !== fold.layer.type) return [layer];
    const changed = mover.copy(LayerParameterSchema, layer);
    const { convolutionParam, innerProductParam } = layer;
    if (convolutionParam) changed.convolutionParam = mover.copy(ConvolutionParameterSchema, convolutionParam);
    if (innerProductParam) changed.innerProductParam = mover.copy(InnerProductParameterSchema, innerProductParam);
    const own = biasParamOf(changed);
    if (fold.weighted.bias === null && own) own.biasTerm = true;
    changed.top = layer.top.length > 0 ? [fold.top] : layer.top;
    if (layer.blobs.length > 0) changed.blobs = blobsOf(layer.blobs, fold, file.file);
    return [changed];
  });
  return { ...file, message, places: mover.places, unknown: mover.unknown };
}

function blobsOf(blobs: readonly Uint8Array[], { folded, weighted, layer }: PlannedFold, file: string): Uint8Array[] {
  const [weights, bias] = blobs;
  const where = `${file}: layer "${layer.name}"`;
  if (weights === undefined) return [...blobs];
  const doubles = weighted.weights.stored === "float64";
  const typed = (values: Float64Array) => (doubles ? values : Float32Array.from(values));
  const shape = [folded.bias.length];
  const added = bias ? replaceData(bias, typed(folded.bias), where) : encodeBlob({ shape, data: typed(folded.bias) });
  return [replaceData(weights, typed(folded.weights), where), added, ...blobs.slice(2)];
}
