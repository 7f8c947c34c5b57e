import { mpirunReports, type RunOptions } from "../mpirun.ts";
import type { FailureReport } from "./rank.ts";

/** How a rank fails, and whether the other ranks' communicator is unusable afterwards. */
export const MODES: Readonly<Record<string, { readonly dead: boolean }>> = {
  kill: { dead: true },
  hang: { dead: true },
  skip: { dead: false },
  shapes: { dead: false },
};

/** The outcome of one run. */
export interface Outcome {
  readonly complaints: readonly string[];
  /** The longest time that a rank waited for the failed one, in milliseconds. */
  readonly waited: number;
}

/**
 * Runs three ranks of which one fails, and returns what is wrong. Each of the other ranks must end by itself with
 * ERR_BN_SYNC, after the two steps that succeeded. If a rank was missing, this must not happen before the time limit,
 * and the communicator must be dead exactly in that case. A rank that hangs does so until the others have given up, or
 * for thirty times their limit: a fixed sleep would end while the machine itself is stopped.
 */
export async function outcomeOf(mode: string): Promise<Outcome> {
  const options: RunOptions = { recovery: true, limit: 200_000 };
  const { reports, status, stderr } = await mpirunReports<FailureReport>(3, "failures/rank.ts", [mode], options);
  const { dead } = MODES[mode] ?? { dead: false };
  const others = [0, 2].map((rank) => reports.find((one) => one.rank === rank));
  const complaints = others.flatMap((report, i) => {
    const rank = 2 * i;
    if (report === undefined) return [`${mode}: rank ${rank} did not report: ${stderr}`];
    const expected = { rank, steps: 2, code: "ERR_BN_SYNC", dead, again: dead ? "ERR_BN_SYNC" : "none" };
    const { message, waited, ...got } = report;
    const same = Object.entries(expected).every(([key, value]) => got[key as keyof typeof got] === value);
    const early = mode === "hang" && waited < report.timeout;
    return same && !early ? [] : [`${mode}: got ${JSON.stringify(report)}, expected ${JSON.stringify(expected)}`];
  });
  if (status === null) complaints.push(`${mode}: mpirun had to be ended`);
  return { complaints, waited: Math.max(...others.map((report) => report?.waited ?? 0)) };
}
