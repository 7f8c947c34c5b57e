import { ratioText } from "@bn/conformance/report";
import type { FoldRow } from "@bn/onnx";
import type { FoldProof, LostChannel, ProofOutput } from "@bn/onnx/verify";
import { align } from "./align.ts";
import type { FoldOutcome } from "./fold-command.ts";
import { named, paragraphs, printable } from "./output.ts";

/** The layer's own name in `Conv "c1"`, without the additions of a conversion. */
export function nameIn(label: string): string {
  return (/"(.*)"/.exec(label)?.[1] ?? label).replace(/\/(Conv|ConvTranspose|Gemm|MatMul)$/, "");
}

/**
 * One line per folded layer with its proof, or per folded node without; then the nodes that were not folded, and
 * totals.
 */
export function foldText({ rows, proof, unproven }: FoldOutcome): string {
  const done = rows.filter(({ status }) => status === "folded");
  const left = rows.filter(({ status }) => status === "left");
  return paragraphs([
    proof === null ? nodesText(done) : proofText(proof),
    left.map(({ node, reason }) => `left ${printable(node)}: ${printable(reason)}`).join("\n"),
    unproven === "" ? "" : `not proven: ${printable(unproven)}`,
    `${done.length} folded, ${left.length} left`,
  ]);
}

function nodesText(done: readonly FoldRow[]): string {
  if (done.length === 0) return "";
  const head = ["node", "operator", "side", "into", "digits"];
  const table = done.map(({ node, operator, side, into, lostDigits }) => {
    return [printable(node), operator, side ?? "", printable(into), lostDigits.toFixed(1)];
  });
  return align([head, ...table], [1, 2, 3]).join("\n");
}

function proofText({ inputs, rows, outputs }: FoldProof): string {
  const head = ["layer", "holds", "shape", "terms", "weights", "original", "folded", "layer", "network", "digits"];
  const table = rows.map((row) => [
    ...[printable(row.layer), printable(row.normalizations.join(", ")), row.shape.join("x"), String(row.terms)],
    ratioText(Number.isNaN(row.weights.ratio) ? null : row.weights.ratio),
    ...[row.original, row.float64, row.layerOnly, row.network].map((found) => ratioText(found?.ratio ?? null)),
    row.lostDigits.toFixed(1),
  ]);
  const failed = rows.filter(({ status }) => status === "failed");
  const lost = rows.filter(({ lostChannels }) => lostChannels.length > 0);
  const worst = Math.max(
    0,
    ...rows.map(({ layerOnly, float64 }) => Math.max(layerOnly?.ratio ?? 0, float64?.ratio ?? 0)),
  );
  return paragraphs([
    inputs.map(({ name, shape }) => `input ${printable(name)}  ${shape.join("x")}`).join("\n"),
    rows.length > 0 ? EXPLAINED : "",
    rows.length > 0 ? align([head, ...table], [1, 2]).join("\n") : "",
    failed.map(({ layer, reason }) => `FAILED  ${printable(layer)}: ${printable(reason)}`).join("\n"),
    lost.map((row) => `${printable(row.layer)} ${lostText(row.lostChannels)}`).join("\n"),
    outputs.map(outputText).join("\n"),
    `proof: ${rows.length - failed.length} of ${rows.length} layers are within their bounds, the worst at ${ratioText(worst)}`,
  ]).trimEnd();
}

const EXPLAINED = [
  "Errors are fractions of their bounds: at most 1 passes. Every layer gets its input from the original. weights: against float64;",
  "original, folded: in ONNX Runtime against float64, some outputs per channel; layer: folded against original, all outputs;",
  "network: the same with all layers before it folded too, not judged; digits: decimal digits that cancel on this input.",
].join("\n");

/** The channels that lose digits, and how many they lose. */
export function lostText(channels: readonly LostChannel[]): string {
  const shown = channels.slice(0, 8).map(({ channel, digits }) => `${channel} (${digits.toFixed(1)})`);
  const more = channels.length > shown.length ? ` and ${channels.length - shown.length} more` : "";
  return `loses digits in ${channels.length === 1 ? "channel" : "channels"} ${shown.join(", ")}${more}`;
}

export function outputText({ name, shape, error, largest, reason }: ProofOutput): string {
  const head = `output ${printable(name)}  ${shape.join("x") || "scalar"}`;
  if (reason !== "") return `FAILED  ${head}: ${printable(reason)}`;
  return `${head}: differs by at most ${error === 0 ? "0" : error.toExponential(1)}, its largest value is ${largest.toPrecision(3)}`;
}

/** `{ passed, rows, proof }`; a number that JSON cannot represent is written by name. */
export function foldJson({ rows, proof, unproven }: FoldOutcome, passed: boolean): string {
  const proven = proof && { inputs: proof.inputs, layers: proof.rows, outputs: proof.outputs };
  return `${JSON.stringify({ passed, rows, unproven: unproven || null, proof: proven }, named, 2)}\n`;
}
