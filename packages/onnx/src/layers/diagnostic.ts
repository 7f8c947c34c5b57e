/**
 * What is said of a node beside its result: `converted`, to what a layer of ours can be; `assumed`, where the model does
 * not say; `remark`, what the operator does not have and nobody reads; `suspect`, read as it stands and probably wrong;
 * `left out`, not read or not run, though nothing is wrong with it; `damaged`, not read because it cannot be right.
 */
export type DiagnosticKind = "converted" | "assumed" | "remark" | "suspect" | "left out" | "damaged";

export interface Diagnostic {
  readonly kind: DiagnosticKind;
  /** The node's name, or what tells it apart; empty where the whole model is meant. */
  readonly node: string;
  /** A sentence that names node and tensor. */
  readonly message: string;
}
