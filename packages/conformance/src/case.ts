import type { Backend, Dtype } from "@bn/core";

/**
 * A case is data: its name, the clause of docs/spec.md that it tests, the facts that a backend must declare for it to
 * run, and a function that runs it. It knows no test framework.
 *
 * A case can be repeated. A failed case runs again on the same backend, whose kernels then record their operands; the
 * report shrinks, names and prints the first wrong kernel call. A case must therefore take kernels from
 * `context.backend.kernels` (or from a backend of `context.create()`), draw its data from its id alone, and depend on
 * nothing else.
 */
export interface Case {
  /** Unique, stable and descriptive: `forward/batch/offset-1e6/32x3x7x7/float32`. */
  readonly id: string;
  /** The row of the result table that the case counts in: `layers`, `kernels`, `goldens`, `gradients`, `errors`, ... */
  readonly group: string;
  /** e.g. `BN-5`. */
  readonly clause: string;
  readonly needs: Needs;
  /** Resolves with every comparison that the case made. Rejects or throws if something other than a number is wrong. */
  run(context: Context): Promise<readonly Comparison[]>;
}

/** Facts of `backend.supports` (or optional kernels) that a case needs. */
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
  /** Shared by all cases of a run. A case disposes what it creates, and nothing else. */
  readonly backend: Backend;
  /** Creates another instance, for cases about foreign blobs and disposal. The case disposes it. */
  create(): Promise<Backend>;
  /** Return after the first comparison that fails, because the caller needs only to know whether one does. */
  readonly bail?: boolean;
}

/** One output tensor against its truth: the element whose error is largest in units of its bound. */
export interface Comparison {
  /** `top`, `bottom.diff`, `blobs[1]`, ... with the step where there are several. */
  readonly what: string;
  readonly error: number;
  readonly bound: number;
  /**
   * error / bound. It is 0 if both are 0, and Infinity if only the bound is 0 or one of the two values is NaN. At most
   * 1 passes.
   */
  readonly ratio: number;
  readonly at: Index;
  readonly got: number;
  readonly expected: number;
  /** The reason why the truth is not what a reader would expect, e.g. a golden value that Caffe overwrites. */
  readonly note?: string;
}

/** A position in [outer][channels][inner]. */
export interface Index {
  readonly outer: number;
  readonly channel: number;
  readonly inner: number;
}

/** `notRun`: the run ended before the case's turn, or its backend could not be started again. */
export type Status = "passed" | "failed" | "skipped" | "notRun";

/**
 * The cause of a case's failure, as far as its kernel calls show it. Failures with the same `key` have the same cause.
 */
export interface Cause {
  /** `eps-outside-root`, `moments/throws/TypeError: ...`, `clause/L-5/...`, ... */
  readonly key: string;
  /** One line: `as if eps were added outside the root: 1 / (sqrt(variance) + eps)`. */
  readonly text: string;
  /** The kernel that is wrong on its own. */
  readonly kernel?: string;
  /** The clause of docs/spec.md that the mistake breaks. */
  readonly clause: string;
  /** The smallest call of the kernel that still fails, in words: `normalize of [1][1][2] in float32, eps 0.001`. */
  readonly call?: string;
  /** The worst output of that call. */
  readonly worst?: Comparison;
  /**
   * A program that repeats this call with the backend alone. `IMPORT` stands for the statement that imports `create`.
   */
  readonly snippet?: string;
}

/** The result of one case on one backend, as the JSON report contains it. */
export interface Result {
  readonly backend: string;
  readonly id: string;
  readonly group: string;
  readonly clause: string;
  readonly status: Status;
  /** The error of the worst comparison; null if nothing was compared. */
  readonly error: number | null;
  readonly bound: number | null;
  readonly ratio: number | null;
  /** The reason why the case was skipped (the fact that the backend lacks) or failed. Empty if it passed. */
  readonly reason: string;
  /** The worst comparison, if the case failed because of a number. */
  readonly worst?: Comparison;
  /** The stack of the error and of its causes, if the case threw. */
  readonly stack?: string;
  readonly cause?: Cause;
  /** Set if the baseline of the run lists this failure. */
  readonly known?: true;
  /** The duration of the case, in milliseconds. */
  readonly ms?: number;
}
