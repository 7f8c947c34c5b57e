import { buildNet, writeNet, writeWeights } from "@bn/caffe";
import { BnError } from "@bn/core";
import type { LayerRecord, OpenShape } from "@bn/onnx";
import { checkWritable, writeReport } from "./output.ts";

/** Writes one layer as FILE.caffemodel and FILE.prototxt. */
export async function exportCaffe(
  path: string,
  layer: LayerRecord,
  { shape }: { readonly shape?: OpenShape },
): Promise<void> {
  const text = path.replace(/\.caffemodel$/, ".prototxt");
  await checkWritable("the network", text);
  const open = shape?.find((size) => typeof size === "string");
  if (open !== undefined) {
    throw new BnError("ERR_BN_PARAM", `--shape ${shape?.join(",")}: Caffe needs all sizes; give a number for ${open}`);
  }
  const { net, weights } = buildNet(layer, shape ? { shape: shape.map(Number) } : {});
  const [bytes, prototxt] = [writeWeights(weights), writeNet(net)];
  await writeReport(path, bytes);
  await writeReport(text, prototxt);
  process.stderr.write(
    `${path} and ${text}: ${net.message.layer.map(({ type }) => type).join(", ")}, ${layer.channels} channels\n`,
  );
}
