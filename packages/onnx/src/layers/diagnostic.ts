/**
 * A message about a node in addition to its result. `converted`: changed to a form that our layers have. `assumed`: the
 * model did not say. `remark`: an attribute that the operator does not have, and that is ignored. `suspect`: read as it
 * is, but probably wrong. `left out`: not read or not run, although nothing is wrong with it. `damaged`: not read
 * because it cannot be right.
 */
export type DiagnosticKind = "converted" | "assumed" | "remark" | "suspect" | "left out" | "damaged";

export interface Diagnostic {
  readonly kind: DiagnosticKind;
  /** The node's name, or a text that identifies it; empty if the message concerns the whole model. */
  readonly node: string;
  /** A sentence that names node and tensor. */
  readonly message: string;
}
