import type { Diagnostic } from "@bn/onnx";
import { printable } from "./output.ts";

const KINDS = ["suspect", "damaged", "left out", "remark", "assumed", "converted"];

/** The lines below a table of layers: each diagnostic, then counts. */
export function remarks(layers: number, diagnostics: readonly Diagnostic[]): string[] {
  const counts = KINDS.flatMap((kind) => {
    const count = diagnostics.filter((one) => one.kind === kind).length;
    return count > 0 ? [`${count} ${kind}`] : [];
  });
  const summary = counts.length > 0 ? `; ${counts.join(", ")}` : ", nothing to remark";
  return [said(diagnostics).join("\n"), `${layers} normalization ${layers === 1 ? "layer" : "layers"}${summary}`];
}

/** The number of nodes that are named if many have the same message, which is common in a network. */
const NAMED = 3;

/**
 * One line per diagnostic. If many nodes have the same message, it is one line with the first nodes and the number of
 * others.
 */
export function said(diagnostics: readonly Diagnostic[]): string[] {
  const alike = new Map<string, Diagnostic[]>();
  for (const one of diagnostics) {
    const key = `${one.kind}\n${one.node === "" ? one.message : partsOf(one).what}`;
    alike.set(key, [...(alike.get(key) ?? []), one]);
  }
  return [...alike.values()].flatMap((group) => {
    const [first] = group as [Diagnostic, ...Diagnostic[]];
    if (group.length <= NAMED) return group.map(({ kind, message }) => `${kind}: ${printable(message)}`);
    const { title, what } = partsOf(first);
    return [`${first.kind}: ${printable(`${title} and ${group.length - 1} more: ${what}`)}`];
  });
}

/** Splits a diagnostic into the node and the message about it. */
function partsOf({ node, message }: Diagnostic): { title: string; what: string } {
  const at = message.indexOf(": ", message.indexOf(node) + node.length);
  return at < 0 ? { title: "", what: message } : { title: message.slice(0, at), what: message.slice(at + 2) };
}
