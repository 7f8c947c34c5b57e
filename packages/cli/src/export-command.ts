import type { HostArray } from "@bn/core";
import {
  batchNormOf,
  buildModel,
  importModel,
  type LayerRecord,
  type NormRecord,
  OPSETS,
  type OpenShape,
} from "@bn/onnx";
import { openModel } from "@bn/onnx/node";
import { type CaffeOptions, isCaffe, openCaffe } from "./caffe.ts";
import { bad, dataError } from "./errors.ts";
import { caffeFiles } from "./export-caffe.ts";
import { openOutputs } from "./files.ts";
import { nearest } from "./nearest.ts";
import { readNpy } from "./npy.ts";
import { numberOf, oneOf, refuse } from "./option-values.ts";

export interface ExportOptions extends CaffeOptions {
  /** mean, variance, factor, then gamma and beta: .npy files, separated by commas. */
  readonly blobs?: string;
  readonly from?: string;
  readonly node?: string;
  readonly eps?: string;
  readonly fraction?: string;
  readonly opset?: string;
  readonly shape?: string;
  readonly training?: boolean;
  readonly force?: boolean;
}

/** `bn export` writes one normalization layer as a complete model. */
export async function exportCommand(path: string, options: ExportOptions): Promise<void> {
  const toCaffe = path.endsWith(".caffemodel");
  const text = toCaffe ? path.replace(/\.caffemodel$/, ".prototxt") : undefined;
  const { blobs, from, node, eps, fraction, net, dialect, training } = options;
  const files = { "the model": path, "the network": text };
  const outputs = await openOutputs(files, options.force, [from, net, ...blobFiles(blobs)]);
  if ((blobs === undefined) === (from === undefined)) {
    const came = blobs === undefined ? "neither" : "both";
    throw bad(`--blobs or --from: ${came} given, expected exactly one of them; see bn export --help`);
  }
  if (from === undefined) refuse({ "--node": node }, "cannot be combined with --blobs: it is an option of --from");
  else {
    const why = "cannot be combined with --from: it is an option of --blobs";
    refuse({ "--eps": eps, "--fraction": fraction }, why);
  }
  if (from === undefined || !isCaffe(from, net))
    refuse({ "--net": net, "--dialect": dialect }, "is for a Caffe network in --from, and there is none");
  if (toCaffe)
    refuse({ "--opset": options.opset, "--training": training }, "is for ONNX models, and this writes a Caffe network");
  const opset = oneOf("--opset", options.opset ?? "15", OPSETS);
  const layer = blobs === undefined ? await layerOf(from as string, options) : await readBlobs(blobs, options);
  const shape = options.shape === undefined ? undefined : shapeOf(options.shape);
  const channels = `${layer.channels} channels`;
  if (toCaffe) {
    const { weights, prototxt, types } = caffeFiles(layer, shape);
    await outputs.write({ "the model": () => weights, "the network": () => prototxt });
    process.stderr.write(`${path} and ${text}: ${types}, ${channels}\n`);
    return;
  }
  await outputs.write({ "the model": () => buildModel(layer, { opset, training: training ?? false, shape }) });
  const type = layer.type === "Scale" ? "Mul and Add" : "BatchNormalization";
  process.stderr.write(`${path}: ${type}, ${channels}, operator set ${opset}\n`);
}

function blobFiles(list: string | undefined): readonly string[] {
  return list?.split(",").map((path) => path.trim()) ?? [];
}

/** Reads the blobs of a layer: mean, variance, factor, gamma, beta. */
async function readBlobs(list: string, { eps, fraction }: ExportOptions): Promise<NormRecord> {
  const values: HostArray[] = [];
  for (const path of blobFiles(list)) {
    const { data, type } = await readNpy(path);
    if (!(data instanceof Float32Array || data instanceof Float64Array))
      throw dataError(`${path}: holds ${type}, expected float32 or float64`);
    values.push(data);
  }
  const upTo = (most: number) => (value: number) => value >= 0 && value <= most;
  return batchNormOf(values, {
    eps: numberOf("--eps", eps, upTo(2 ** 127), "a number from 0 on"),
    movingAverageFraction: numberOf("--fraction", fraction, upTo(1), "a number from 0 to 1"),
  });
}

/**
 * One node of a model, or one layer of a network. Errors: `ERR_BN_PARAM` if there is none, or if there are several
 * candidates.
 */
async function layerOf(path: string, options: ExportOptions): Promise<LayerRecord> {
  const { node: name } = options;
  const { layers, diagnostics } = isCaffe(path, options.net) ? await openCaffe(path, options) : await onnxLayers(path);
  const found =
    name === undefined ? layers : layers.filter((layer) => layer.name === name || layer.source.nodes.includes(name));
  const [only] = found;
  if (only && found.length === 1) return only;
  // If the requested layer cannot be read, this gives the reason.
  const broken = diagnostics.find(({ kind, node }) => /damaged|left out/.test(kind) && node === name);
  if (broken && found.length === 0) throw dataError(broken.message);
  const names = layers.map((layer) => layer.name);
  const list = `${names.slice(0, 20).join(", ")}${names.length > 20 ? `, and ${names.length - 20} more` : ""}`;
  if (name === undefined || names.length === 0)
    throw bad(`--node: ${path} has ${list || "no layer with weights"}; name one of them`);
  const near = nearest(name, names);
  const cure = near === null ? `it has ${list}` : `did you mean "${near}"?`;
  throw bad(`--node ${name}: not found in ${path}; ${cure}`);
}

/** A damaged node must not prevent the export of another. */
async function onnxLayers(path: string) {
  const { bytes, external } = await openModel(path);
  return await importModel(bytes, { external, partial: true });
}

function shapeOf(text: string): OpenShape {
  return text.split(",").map((part) => {
    const size = part.trim();
    if (/^\d+$/.test(size)) return Number(size);
    if (/^[A-Za-z_]\w*$/.test(size)) return size;
    throw bad(`--shape ${text}: "${size}" is neither a size nor a name, expected e.g. N,64,H,W`);
  });
}
