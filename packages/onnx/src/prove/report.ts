import type { Shape } from "@bn/core";
import type { CheckFoldRow } from "../fold/check-fold.ts";
import type { InputPlan } from "../verify/inputs.ts";

/** The output of a layer with the largest error in units of its bound. */
export interface ProofComparison {
  /** error / bound; at most 1 passes. */
  readonly ratio: number;
  readonly error: number;
  readonly bound: number;
  readonly channel: number;
  /** The index of the output in the layer's own output, in row-major order. */
  readonly index: number;
  readonly got: number;
  readonly expected: number;
}

/** A channel that loses digits to cancellation in the folded layer. */
export interface LostChannel {
  readonly channel: number;
  /** log10 of max |y - b'| / max |y| over the run. */
  readonly digits: number;
}

/** One layer that contains normalizations now. */
export interface ProofRow {
  readonly layer: string;
  /** Its name in the folded network; "" if it is not there. */
  readonly found: string;
  readonly normalizations: readonly string[];
  readonly status: "passed" | "failed";
  /** The reason why it failed; "" if it passed. */
  readonly reason: string;
  /** The shape of the layer's output. */
  readonly shape: Shape;
  readonly dtype: string;
  /** The number of products per output, at most. */
  readonly terms: number;
  /** Weights and biases compared with the right ones in float64, in units of F-5. */
  readonly weights: Pick<CheckFoldRow, "status" | "ratio" | "at" | "mistake">;
  /**
   * The folded layer on the original's activations, compared with the original: every output with its channel's bound.
   */
  readonly layerOnly: ProofComparison | null;
  /** The same, compared with float64 for some outputs per channel, including the worst, each with its own bound. */
  readonly float64: ProofComparison | null;
  /** The original compared with float64 on the same outputs. */
  readonly original: ProofComparison | null;
  readonly samples: number;
  /**
   * The folded network, in which all layers before this one are folded too, in units of the channel's bound. It is not
   * judged.
   */
  readonly network: ProofComparison | null;
  /** The lost digits of the worst channel in this run: decimal digits that cancel between w' x and b'. */
  readonly lostDigits: number;
  /** Channels that lose at least one digit, worst first. */
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
  /**
   * The reason why it fails: another shape, or values that are not finite although the original's are; otherwise "".
   */
  readonly reason: string;
}

export interface FoldProof {
  readonly inputs: readonly InputPlan[];
  /** The rows in the original's order. */
  readonly rows: readonly ProofRow[];
  readonly outputs: readonly ProofOutput[];
}

/** True if every layer is within its bounds, and no output is missing. */
export function proofPassed({ rows, outputs }: FoldProof): boolean {
  return rows.every(({ status }) => status === "passed") && outputs.every(({ reason }) => reason === "");
}
