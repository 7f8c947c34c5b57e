import { BnError, type HostArray } from "@bn/core";
import { batchNormOf, buildModel, importModel, type NormRecord, OPSETS, type OpenShape, type Opset } from "@bn/onnx";
import { openModel } from "@bn/onnx/node";
import { readNpy } from "./npy.ts";
import { checkWritable, writeReport } from "./output.ts";

export interface ExportOptions {
  /** mean, variance, factor, then gamma and beta: .npy files, separated by commas. */
  readonly blobs?: string;
  readonly from?: string;
  readonly node?: string;
  readonly eps?: string;
  readonly fraction?: string;
  readonly opset: string;
  readonly shape?: string;
  readonly training?: boolean;
}

/** `bn export`: one normalization layer as a complete model. */
export async function exportCommand(path: string, options: ExportOptions): Promise<void> {
  await checkWritable("the model", path);
  const { blobs, from } = options;
  if ((blobs === undefined) === (from === undefined)) {
    const came = blobs === undefined ? "neither" : "both";
    throw new BnError("ERR_BN_PARAM", `--blobs or --from: ${came} given, expected one of them; bn export --help`);
  }
  const opset = opsetOf(options.opset);
  const layer = blobs === undefined ? await layerOf(from as string, options.node) : await readBlobs(blobs, options);
  const shape = options.shape === undefined ? {} : { shape: shapeOf(options.shape) };
  await writeReport(path, buildModel(layer, { opset, training: options.training ?? false, ...shape }));
  process.stderr.write(`${path}: BatchNormalization, ${layer.channels} channels, operator set ${opset}\n`);
}

/** The blobs of a layer, or of Caffe's: mean, variance, factor, gamma, beta. */
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

/** One node of a model. Errors: `ERR_BN_PARAM`, none or several that it could be. */
async function layerOf(path: string, name: string | undefined): Promise<NormRecord> {
  const { bytes, external } = await openModel(path);
  const { layers } = await importModel(bytes, { external });
  const found = name === undefined ? layers : layers.filter((layer) => layer.name === name);
  const [only] = found;
  if (only && found.length === 1) return only;
  const names = layers.map((layer) => layer.name).join(", ");
  throw new BnError("ERR_BN_PARAM", `--node: ${path} has ${names || "no layer with weights"}; name one of them`);
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
    throw new BnError("ERR_BN_PARAM", `--shape ${text}: "${size}" is no size and no name, expected e.g. N,64,H,W`);
  });
}

function numberOf(option: string, text: string | undefined, absent: number, most: number): number {
  const value = text === undefined ? absent : text.trim() === "" ? Number.NaN : Number(text);
  if (value >= 0 && value <= most) return value;
  throw new BnError("ERR_BN_PARAM", `${option} ${text}: expected a number from 0${most === 1 ? " to 1" : " on"}`);
}
