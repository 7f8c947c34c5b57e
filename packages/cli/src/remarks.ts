import type { Diagnostic } from "@bn/onnx";
import { printable } from "./output.ts";

const KINDS = ["suspect", "damaged", "left out", "remark", "assumed", "converted"];

/** What is said below a table of layers: each diagnostic, then how many of what. */
export function remarks(layers: number, diagnostics: readonly Diagnostic[]): string[] {
  const counts = KINDS.flatMap((kind) => {
    const count = diagnostics.filter((one) => one.kind === kind).length;
    return count > 0 ? [`${count} ${kind}`] : [];
  });
  const summary = counts.length > 0 ? `; ${counts.join(", ")}` : ", nothing to remark";
  return [
    diagnostics.map(({ kind, message }) => `${kind}: ${printable(message)}`).join("\n"),
    `${layers} normalization ${layers === 1 ? "layer" : "layers"}${summary}`,
  ];
}
