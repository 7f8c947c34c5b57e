import type { Communicator } from "@bn/core";

/** A test that all ranks run together. A rank that finds a mistake throws. */
export interface RankCase {
  readonly name: string;
  run(communicator: Communicator): void | Promise<void>;
}

/** The report of one rank. */
export interface RankReport {
  readonly rank: number;
  readonly size: number;
  readonly passed: number;
  /** One entry per failure: "name: message". */
  readonly failed: readonly string[];
}

/**
 * Runs `cases` one after the other. All ranks meet after each case, so that a rank that failed in one does not leave
 * the others out of step in the next. While it waits here, the exchanges of the others fail too, which brings them
 * here.
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
