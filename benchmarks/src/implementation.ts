import type { Backend } from "@bn/core";
import type { GpuClock } from "./gpu-clock.ts";
import type { Inputs, Job } from "./jobs.ts";
import type { Timed } from "./time.ts";

/** A plain float32 sum of 10^5 values has an error of some thousand u. */
export const PLAIN_SUMS = 2 ** 14;

export const EPS = Math.fround(1e-5);

/** Something that can run jobs: one of our backends, a copy of the bytes, or a peer. */
export interface Implementation {
  readonly name: string;
  readonly threads: number;
  /**
   * The allowed error of its results, in u times the size of the terms: 64 for our backends, more for peers, which may
   * sum a channel plainly, and 0 for a copy, which has no error.
   */
  readonly tolerance: number;
  /** Prepares a job for timing. Null if the implementation cannot do it. */
  prepare(job: Job, inputs: Inputs): Promise<Prepared | null>;
  close(): Promise<void>;
}

export interface Prepared extends Timed {
  /** The bytes that a run moves, if they are not those of the job. */
  readonly bytes?: number;
  /** The result of the last run: y, or dx for a backward; null for a copy, which computes nothing. */
  output(): Promise<ArrayLike<number> | null>;
  close(): void | Promise<void>;
}

/** Without Scale the layer is BatchNorm alone, with gamma 1 and beta 0. */
export function affineOf({ op }: Job, { gamma, beta }: Inputs): { gamma: Float64Array; beta: Float64Array } {
  if (op.endsWith("+scale")) return { gamma, beta };
  return { gamma: new Float64Array(gamma.length).fill(1), beta: new Float64Array(beta.length) };
}

/** One call as it is timed: until its work is done, which only a wait tells where the host does not see the memory. */
export function timed(backend: Backend, call: () => void, clock: GpuClock | null): Timed {
  if (clock) return { run: finishing(backend, call), clocked: (repeats) => clock(call, repeats) };
  return { run: backend.supports.hostVisible ? call : finishing(backend, call) };
}

function finishing(backend: Backend, call: () => void): () => Promise<void> {
  return () => {
    call();
    return backend.finish();
  };
}
