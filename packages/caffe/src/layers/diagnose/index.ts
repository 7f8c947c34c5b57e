import type { Diagnostic, DiagnosticKind } from "@bn/onnx";
import type { CaffeFile } from "../../file.ts";
import type { Network } from "../../net/network.ts";
import { DIALECTS } from "../dialect.ts";
import type { CaffeRecord } from "../record.ts";
import { channelSuspicions, doubleNames } from "./fit.ts";
import { numberSuspicions } from "./numbers.ts";
import { spreadSuspicions } from "./spread.ts";
import { frozenSuspicions, trainingSuspicions } from "./training.ts";

/** The diagnostics of records, each with its evidence. `file` is the net as it was read. */
export function diagnose(records: readonly CaffeRecord[], network: Network, file: CaffeFile): Diagnostic[] {
  const found: Diagnostic[] = [];
  const labels = new Map(network.layers.map(({ name, label }) => [name, label]));
  const say = (kind: DiagnosticKind, node: string, what: string) =>
    found.push({ kind, node, message: `${labels.get(node) ?? (node === "" ? network.net.file : node)}: ${what}` });
  const byName = new Map(network.layers.map((layer) => [layer.name, layer]));
  for (const record of records) {
    const { name, type, beta, source, caffe } = record;
    if (caffe.dialect !== "caffe") say("converted", name, dialectText(record));
    if (type === "BatchNorm") say("assumed", name, "no Scale follows it, so gamma is 1 and beta is 0");
    const last = source.nodes.at(-1) ?? name;
    if (type !== "BatchNorm" && beta === null) say("assumed", last, "the Scale has no bias, so beta is 0");
    const layer = byName.get(name);
    const suspicions = numberSuspicions(record);
    if (layer) suspicions.push(...trainingSuspicions(layer, network), ...frozenSuspicions(layer, file));
    for (const what of suspicions) say("suspect", name, what);
    for (const { parameter, role, others } of caffe.shared) {
      const names = others.map((one) => `"${one.layer}" (blob ${one.blob})`).join(", ");
      say(
        "converted",
        name,
        `its ${role} is parameter "${parameter}", which layer ${names} also uses: they share one blob`,
      );
    }
  }
  for (const [name, what] of channelSuspicions(records, network)) say("suspect", name, what);
  for (const name of doubleNames(network))
    say("suspect", name, "an earlier layer has the same name, and gets the weights");
  for (const parameter of network.differing) {
    say(
      "assumed",
      "",
      `parameter "${parameter}" is shared, and its copies in the weights differ; the last copy is used, as in Caffe`,
    );
  }
  if (network.unused.length > 0) say("suspect", "", unusedText(network));
  for (const what of spreadSuspicions(records, network)) say("suspect", "", what);
  return found;
}

function unusedText({ unused, weights }: Network): string {
  const names = unused.slice(0, 8).map((name) => `"${name}"`);
  const rest = unused.length > names.length ? `, and ${unused.length - names.length} more` : "";
  return `${weights?.file} has ${unused.length} layers with blobs that the net has no layer for: ${names.join(", ")}${rest}`;
}

function dialectText({ caffe: { dialect, evidence } }: CaffeRecord): string {
  const { title, statistics } = DIALECTS[dialect];
  const meaning =
    statistics === "none" ? "scale and shift alone" : "its statistics are averages, whatever a factor says";
  return `dialect ${dialect}, ${title}: ${meaning} (${evidence.join("; ")})`;
}
