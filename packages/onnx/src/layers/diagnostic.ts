/**
 * What is said of a node beside its result: `converted`, to what a layer of ours can be; `assumed`, where the model does
 * not say; `suspect`, read as it stands and probably wrong; `left out`, not read or not run.
 */
export type DiagnosticKind = "converted" | "assumed" | "suspect" | "left out";

export interface Diagnostic {
  readonly kind: DiagnosticKind;
  /** The node's name, or what tells it apart; empty where the whole model is meant. */
  readonly node: string;
  /** A sentence that names node and tensor. */
  readonly message: string;
}
