import type { Backend, Dtype } from "@bn/core";

/**
 * A case is data: what it is called, the clause of docs/spec.md that it stands for, the facts that a backend must
 * declare to be asked, and what to do. It knows no test framework.
 *
 * A case can be repeated: a failed one runs again on the same backend, whose kernels then record their operands, and its
 * first wrong kernel call is what a report shrinks, names and prints. So a case takes kernels from `context.backend.kernels`
 * (or from a backend of `context.create()`), draws its data from its id alone and says nothing else about itself.
 */
export interface Case {
  /** Unique, stable, and telling: `forward/batch/offset-1e6/32x3x7x7/float32`. */
  readonly id: string;
  /** The row of the table that it counts in: `layers`, `kernels`, `goldens`, `gradients`, `errors`, ... */
  readonly group: string;
  /** e.g. `BN-5`. */
  readonly clause: string;
  readonly needs: Needs;
  /** Resolves with every comparison it made; rejects, or throws, where something other than a number is wrong. */
  run(context: Context): Promise<readonly Comparison[]>;
}

/** Facts of `backend.supports` (or optional kernels) without which a case has no meaning. */
export interface Needs {
  readonly dtype?: Dtype;
  readonly nonFinite?: true;
  readonly fullRange?: true;
  readonly subnormals?: true;
  readonly correctlyRounded?: true;
  readonly hostVisible?: true;
  readonly deterministic?: true;
  /** The fused kernels `forward` and `backward`. */
  readonly fused?: true;
  /** The optional kernel `splitMoments`. */
  readonly splitMoments?: true;
}

export interface Context {
  /** Shared by all cases of a run: a case disposes what it creates, and nothing else. */
  readonly backend: Backend;
  /** Another instance, for cases about foreign blobs and disposal: the case disposes it. */
  create(): Promise<Backend>;
  /** Return after the first comparison that fails: whoever asks only whether there is one. */
  readonly bail?: boolean;
}

/** One output tensor against its truth: the element whose error is largest in units of its bound. */
export interface Comparison {
  /** `top`, `bottom.diff`, `blobs[1]`, ... with the step where there are several. */
  readonly what: string;
  readonly error: number;
  readonly bound: number;
  /** error / bound; 0 where both are 0, Infinity where bound alone is 0 or one of the two is NaN. At most 1 passes. */
  readonly ratio: number;
  readonly at: Index;
  readonly got: number;
  readonly expected: number;
  /** Where the truth is not what a reader would expect, why, e.g. a golden that Caffe overwrites. */
  readonly note?: string;
}

/** Where in [outer][channels][inner]. */
export interface Index {
  readonly outer: number;
  readonly channel: number;
  readonly inner: number;
}

/** `notRun`: the run ended before the case had its turn, or its backend could not be started again. */
export type Status = "passed" | "failed" | "skipped" | "notRun";

/** Why a case failed, as far as the kernel calls that it made can tell. Failures of one `key` have one cause. */
export interface Cause {
  /** `eps-outside-root`, `moments/throws/TypeError: ...`, `clause/L-5/...`, ... */
  readonly key: string;
  /** One line: `as if eps were added outside of the root: 1 / (sqrt(variance) + eps)`. */
  readonly text: string;
  /** The kernel that is wrong by itself. */
  readonly kernel?: string;
  /** The clause of docs/spec.md that the mistake breaks. */
  readonly clause: string;
  /** The smallest call of the kernel that still fails, in words: `normalize of [1][1][2] in float32, eps 0.001`. */
  readonly call?: string;
  /** Its worst output. */
  readonly worst?: Comparison;
  /** A program that repeats this call with the backend alone; `IMPORT` stands for the statement that imports `create`. */
  readonly snippet?: string;
}

/** The verdict on one case and one backend, as it stands in the JSON report. */
export interface Result {
  readonly backend: string;
  readonly id: string;
  readonly group: string;
  readonly clause: string;
  readonly status: Status;
  /** The error of the worst comparison; null where nothing was compared. */
  readonly error: number | null;
  readonly bound: number | null;
  readonly ratio: number | null;
  /** Why it was skipped (the fact that the backend lacks) or failed; empty where it passed. */
  readonly reason: string;
  /** The worst comparison of a case that failed by a number. */
  readonly worst?: Comparison;
  /** For a case that threw, the stack of the error and of its causes. */
  readonly stack?: string;
  readonly cause?: Cause;
  /** A failure that the baseline of the run lists. */
  readonly known?: true;
  /** How long it took, in milliseconds. */
  readonly ms?: number;
}
