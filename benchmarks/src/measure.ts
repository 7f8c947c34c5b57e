import { type Implementation, PLAIN_SUMS, type Prepared } from "./implementation.ts";
import { bytesOf, inputsOf, type Job } from "./jobs.ts";
import { type Timing, timeInterleaved } from "./time.ts";
import { complaint } from "./truth.ts";

export interface Measured {
  readonly impl: string;
  readonly threads: number;
  /** The bytes that a run moves. */
  readonly bytes: number;
  readonly timing: Timing;
}

export interface Outcome {
  /** The results, with the copy first. */
  readonly measured: readonly Measured[];
  /** Implementations that gave a wrong result or failed, with the reason. */
  readonly leftOut: readonly string[];
}

/**
 * Runs `job` on all implementations that can do it, checks their results, and times them in one interleaved run.
 * `isDisturbed` says whether several threads are disturbed at this moment.
 */
export async function measure(
  job: Job,
  implementations: readonly Implementation[],
  rounds: number,
  isDisturbed?: () => boolean,
): Promise<Outcome> {
  const inputs = inputsOf(job);
  const ready: { one: Implementation; prepared: Prepared }[] = [];
  const leftOut: string[] = [];
  try {
    for (const one of implementations) {
      try {
        const prepared = await one.prepare(job, inputs);
        if (prepared === null) continue;
        ready.push({ one, prepared });
        await prepared.run();
        const got = await prepared.output();
        const wrong = got && complaint(one, job, inputs, got);
        if (wrong) throw new Error(wrong);
      } catch (error) {
        if (one.tolerance !== PLAIN_SUMS) throw error; // a peer that fails is left out, but one of ours ends the run
        leftOut.push(`${one.name}: ${error instanceof Error ? error.message : String(error)}`);
        if (ready.at(-1)?.one === one) await ready.pop()?.prepared.close();
      }
    }
    const timings = await timeInterleaved(
      ready.map(({ one, prepared }) => (one.threads > 1 ? { ...prepared, isDisturbed } : prepared)),
      { rounds },
    );
    const measured = ready.map(({ one: { name, threads }, prepared: { bytes = bytesOf(job) } }, i) => {
      return { impl: name, threads, bytes, timing: timings[i] as Timing };
    });
    return { measured, leftOut };
  } finally {
    for (const { prepared } of ready) await prepared.close();
  }
}
