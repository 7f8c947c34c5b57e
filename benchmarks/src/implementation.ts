import type { Backend } from "@bn/core";
import type { Inputs, Job } from "./jobs.ts";
import type { Timed } from "./time.ts";

/** A plain float32 sum of 10^5 values errs by some thousand u. */
export const PLAIN_SUMS = 2 ** 14;

export const EPS = Math.fround(1e-5);

/** Something that can run jobs: a backend of ours, a copy of the bytes, or a peer. */
export interface Implementation {
  readonly name: string;
  readonly threads: number;
  /**
   * Error that its results may have, in u times the size of the terms: 64 for ours; peers may sum a channel
   * plainly. 0 for a copy, which has none. */
  readonly tolerance: number;
  /** Ready to be timed, or null where it cannot do this job at all. */
  prepare(job: Job, inputs: Inputs): Promise<Prepared | null>;
  close(): Promise<void>;
}

export interface Prepared extends Timed {
  /** y, or dx for a backward: what the last run left; null for a copy, which computes nothing. */
  output(): Promise<ArrayLike<number> | null>;
  close(): void | Promise<void>;
}

/** The layer before Scale is BatchNorm alone: gamma 1, beta 0. */
export function affineOf({ op }: Job, { gamma, beta }: Inputs): { gamma: Float64Array; beta: Float64Array } {
  if (op.endsWith("+scale")) return { gamma, beta };
  return { gamma: new Float64Array(gamma.length).fill(1), beta: new Float64Array(beta.length) };
}

/** A run is over when its work is: where the call alone does not say so, wait for the queue. */
export function finished(backend: Backend, call: () => void): () => void | Promise<void> {
  if (backend.supports.hostVisible) return call;
  return () => {
    call();
    return backend.finish();
  };
}
