import { convertNet, importNet, readNet, readWeights } from "@bn/caffe";
import { BnError } from "@bn/core";
import { importModel, type NormRecord } from "@bn/onnx";
import { factsOf, type Inspected } from "./facts.ts";
import { bytesOf, externalOf, isCaffe, type ModelFiles } from "./files.ts";

/** The report of `bn inspect` on the model. Errors: those of `importModel` and `importNet`. */
export async function inspect(files: ModelFiles): Promise<Inspected> {
  const bytes = await bytesOf(files.model);
  const { layers, diagnostics } = isCaffe(files)
    ? importNet({ weights: readWeights(bytes, { file: files.model.name }), net: (await netOf(files)) ?? undefined })
    : await importModel(bytes, { external: externalOf(files), partial: true });
  return {
    title: files.model.name,
    format: isCaffe(files) ? "Caffe" : "ONNX",
    bytes: files.model.size,
    layers: layers.map((layer) => factsOf(layer, diagnostics)),
    diagnostics,
  };
}

/** A model that ONNX Runtime can run and, for a Caffe network, the layers as Caffe stored them. */
export interface Runnable {
  readonly bytes: Uint8Array;
  readonly layers: ReadonlyMap<string, NormRecord> | null;
}

export async function runnable(files: ModelFiles): Promise<Runnable> {
  const bytes = await bytesOf(files.model);
  if (!isCaffe(files)) return { bytes, layers: null };
  const net = await netOf(files);
  if (!net) {
    throw new BnError(
      "ERR_BN_DATA",
      `${files.model.name}: weights alone cannot be run; drop the .prototxt together with it`,
    );
  }
  const converted = convertNet({ net, weights: readWeights(bytes, { file: files.model.name }) });
  return { bytes: converted.bytes, layers: converted.norms };
}

async function netOf({ net }: ModelFiles) {
  return net && readNet(await net.text(), { file: net.name });
}
