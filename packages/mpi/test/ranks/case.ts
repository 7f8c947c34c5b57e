import type { Communicator } from "@bn/core";

/** What all ranks do together; a rank that finds a mistake throws. */
export interface RankCase {
  readonly name: string;
  run(communicator: Communicator): void | Promise<void>;
}

/** What one rank reports. */
export interface RankReport {
  readonly rank: number;
  readonly size: number;
  readonly passed: number;
  /** "name: message". */
  readonly failed: readonly string[];
}

/**
 * Runs `cases` one after the other. After each all ranks meet, so that a rank that failed in one does not take the others out of step
 * in the next: while it waits here, their exchanges fail too, and bring them here.
 */
export async function runRankCases(cases: readonly RankCase[], communicator: Communicator): Promise<RankReport> {
  const { rank, size } = communicator;
  const failed: string[] = [];
  for (const { name, run } of cases) {
    let message: string | null = null;
    try {
      await run(communicator);
    } catch (error) {
      message = String(error);
    }
    if (message !== null) failed.push(`${name}: ${message}`);
    meet(communicator, `end of ${name}`);
  }
  return { rank, size, passed: cases.length - failed.length, failed };
}

function meet({ allGather }: Communicator, tag: string): void {
  for (let tries = 1000; tries > 0; tries--) {
    try {
      allGather(tag, new Float64Array(0));
      return;
    } catch (error) {
      if (tries === 1) throw error;
    }
  }
}

export function expectEqual(got: unknown, wanted: unknown, what = "value"): void {
  const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what} is ${a}, expected ${b}`);
}

/** The code and message of the error that `run` throws. */
export function errorOf(run: () => void): { readonly code: string; readonly message: string } {
  try {
    run();
  } catch (error) {
    const { code, message } = error as { readonly code: string; readonly message: string };
    return { code, message };
  }
  return { code: "none", message: "nothing was thrown" };
}
