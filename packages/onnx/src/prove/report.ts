import type { Shape } from "@bn/core";
import type { CheckFoldRow } from "../fold/check-fold.ts";
import type { InputPlan } from "../verify/inputs.ts";

/** The output of a layer that comes nearest to its bound, or passes it. */
export interface ProofComparison {
  /** error / bound; at most 1 passes. */
  readonly ratio: number;
  readonly error: number;
  readonly bound: number;
  readonly channel: number;
  /** Index of the output in the layer's own output, row-major. */
  readonly index: number;
  readonly got: number;
  readonly expected: number;
}

/** A channel whose digits cancel in the folded layer. */
export interface LostChannel {
  readonly channel: number;
  /** log10 of max |y - b'| / max |y| over the run. */
  readonly digits: number;
}

/** One layer that holds normalizations now. */
export interface ProofRow {
  readonly layer: string;
  /** Its name in the folded network; "" if it is not there. */
  readonly found: string;
  readonly normalizations: readonly string[];
  readonly status: "passed" | "failed";
  /** Why it failed; "" where it passed. */
  readonly reason: string;
  /** The shape of the layer's output. */
  readonly shape: Shape;
  readonly dtype: string;
  /** Products per output, at most. */
  readonly terms: number;
  /** Weights and biases against what is right in float64, in units of F-5. */
  readonly weights: Pick<CheckFoldRow, "status" | "ratio" | "at" | "mistake">;
  /** The folded layer on the original's activations against the original, every output under its channel's bound. */
  readonly layerOnly: ProofComparison | null;
  /** The same against float64, for some outputs per channel, the worst among them, each under its own bound. */
  readonly float64: ProofComparison | null;
  /** The original against float64 on the same outputs. */
  readonly original: ProofComparison | null;
  readonly samples: number;
  /** The folded network, with all that lies before the layer folded too; in units of the channel's bound, and not judged. */
  readonly network: ProofComparison | null;
  /** The lost digits of the worst channel in this run: decimal digits that cancel between w' x and b'. */
  readonly lostDigits: number;
  /** Channels that lose one digit or more, worst first. */
  readonly lostChannels: readonly LostChannel[];
}

/** An output of the whole network. */
export interface ProofOutput {
  readonly name: string;
  readonly shape: Shape;
  /** The largest difference. */
  readonly error: number;
  /** The original's largest magnitude. */
  readonly largest: number;
  /** What makes it fail: another shape, or values that are not finite where the original's are; else "". */
  readonly reason: string;
}

export interface FoldProof {
  readonly inputs: readonly InputPlan[];
  /** In the original's order. */
  readonly rows: readonly ProofRow[];
  readonly outputs: readonly ProofOutput[];
}

/** True if every layer is within its bounds, and every output is there. */
export function proofPassed({ rows, outputs }: FoldProof): boolean {
  return rows.every(({ status }) => status === "passed") && outputs.every(({ reason }) => reason === "");
}
