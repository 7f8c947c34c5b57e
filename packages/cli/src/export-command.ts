import { BnError, type HostArray } from "@bn/core";
import {
  batchNormOf,
  buildModel,
  importModel,
  type LayerRecord,
  type NormRecord,
  OPSETS,
  type OpenShape,
  type Opset,
} from "@bn/onnx";
import { openModel } from "@bn/onnx/node";
import { type CaffeOptions, isCaffe, openCaffe } from "./caffe.ts";
import { exportCaffe } from "./export-caffe.ts";
import { nearest } from "./nearest.ts";
import { readNpy } from "./npy.ts";
import { checkWritable, writeReport } from "./output.ts";

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
  await checkWritable("the model", path, options.force ?? false);
  const { blobs, from } = options;
  if ((blobs === undefined) === (from === undefined)) {
    const came = blobs === undefined ? "neither" : "both";
    throw new BnError(
      "ERR_BN_PARAM",
      `--blobs or --from: ${came} given, expected exactly one of them; see bn export --help`,
    );
  }
  const misplaced = (["eps", "fraction", "node"] as const).find((key) => {
    return options[key] !== undefined && (key === "node") === (from === undefined);
  });
  if (misplaced !== undefined) {
    const [with_, cure] = from === undefined ? ["--blobs", "--from"] : ["--from", "--blobs"];
    throw new BnError(
      "ERR_BN_PARAM",
      `--${misplaced} cannot be combined with ${with_}: it is an option of ${cure}; leave it out`,
    );
  }
  checkTogether(path, options);
  const opset = opsetOf(options.opset ?? "15");
  const layer = blobs === undefined ? await layerOf(from as string, options) : await readBlobs(blobs, options);
  const shape = options.shape === undefined ? {} : { shape: shapeOf(options.shape) };
  if (path.endsWith(".caffemodel")) {
    await exportCaffe(path, layer, shape);
    return;
  }
  await writeReport(path, buildModel(layer, { opset, training: options.training ?? false, ...shape }));
  const type = layer.type === "Scale" ? "Mul and Add" : "BatchNormalization";
  process.stderr.write(`${path}: ${type}, ${layer.channels} channels, operator set ${opset}\n`);
}

/** Errors: `ERR_BN_PARAM` for an option that would have no effect. */
function checkTogether(path: string, options: ExportOptions): void {
  const { from } = options;
  const refuse = (keys: readonly (keyof ExportOptions)[], why: string) => {
    const found = keys.find((key) => options[key] !== undefined);
    if (found) throw new BnError("ERR_BN_PARAM", `--${found} ${why}; leave it out`);
  };
  const caffe = from !== undefined && isCaffe(from, options);
  if (!caffe) refuse(["net", "dialect"], "is for a Caffe network in --from, and there is none");
  if (path.endsWith(".caffemodel"))
    refuse(["opset", "training"], "is for ONNX models, and this command writes a Caffe network");
}

/** Reads the blobs of a layer: mean, variance, factor, gamma, beta. */
async function readBlobs(list: string, { eps, fraction }: ExportOptions): Promise<NormRecord> {
  const values: HostArray[] = [];
  for (const path of list.split(",")) {
    const { data, type } = await readNpy(path.trim());
    if (!(data instanceof Float32Array || data instanceof Float64Array))
      throw new BnError("ERR_BN_DATA", `${path.trim()}: holds ${type}, expected float32 or float64`);
    values.push(data);
  }
  return batchNormOf(values, {
    eps: numberOf("--eps", eps, 1e-5, 2 ** 127),
    movingAverageFraction: numberOf("--fraction", fraction, 0.999, 1),
  });
}

/**
 * One node of a model, or one layer of a network. Errors: `ERR_BN_PARAM` if there is none, or if there are several
 * candidates.
 */
async function layerOf(path: string, options: ExportOptions): Promise<LayerRecord> {
  const { node: name } = options;
  const { layers, diagnostics } = isCaffe(path, options) ? await openCaffe(path, options) : await onnxLayers(path);
  const found =
    name === undefined ? layers : layers.filter((layer) => layer.name === name || layer.source.nodes.includes(name));
  const [only] = found;
  if (only && found.length === 1) return only;
  // If the requested layer cannot be read, this gives the reason.
  const broken = diagnostics.find(({ kind, node }) => /damaged|left out/.test(kind) && node === name);
  if (broken && found.length === 0) throw new BnError("ERR_BN_DATA", broken.message);
  const names = layers.map((layer) => layer.name);
  const list = `${names.slice(0, 20).join(", ")}${names.length > 20 ? `, and ${names.length - 20} more` : ""}`;
  if (name === undefined || names.length === 0)
    throw new BnError("ERR_BN_PARAM", `--node: ${path} has ${list || "no layer with weights"}; name one of them`);
  const near = nearest(name, names);
  const cure = near === null ? `it has ${list}` : `did you mean "${near}"?`;
  throw new BnError("ERR_BN_PARAM", `--node ${name}: not found in ${path}; ${cure}`);
}

/** A damaged node must not prevent the export of another. */
async function onnxLayers(path: string) {
  const { bytes, external } = await openModel(path);
  return await importModel(bytes, { external, partial: true });
}

function opsetOf(text: string): Opset {
  const found = OPSETS.find((opset) => String(opset) === text);
  if (found !== undefined) return found;
  throw new BnError("ERR_BN_PARAM", `--opset ${text}: expected ${OPSETS.join(", ")}`);
}

function shapeOf(text: string): OpenShape {
  return text.split(",").map((part) => {
    const size = part.trim();
    if (/^\d+$/.test(size)) return Number(size);
    if (/^[A-Za-z_]\w*$/.test(size)) return size;
    throw new BnError(
      "ERR_BN_PARAM",
      `--shape ${text}: "${size}" is neither a size nor a name, expected e.g. N,64,H,W`,
    );
  });
}

function numberOf(option: string, text: string | undefined, absent: number, most: number): number {
  const value = text === undefined ? absent : text.trim() === "" ? Number.NaN : Number(text);
  if (value >= 0 && value <= most) return value;
  throw new BnError("ERR_BN_PARAM", `${option} ${text}: expected a number from 0${most === 1 ? " to 1" : " on"}`);
}
