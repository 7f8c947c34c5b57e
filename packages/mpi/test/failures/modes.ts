import { mpirunReports, type RunOptions } from "../mpirun.ts";
import type { FailureReport } from "./rank.ts";

/** How a rank fails, and whether the communicator of the others is dead then. */
export const MODES: Readonly<Record<string, { readonly dead: boolean }>> = {
  kill: { dead: true },
  hang: { dead: true },
  skip: { dead: false },
  shapes: { dead: false },
};

/**
 * Runs three ranks of which one fails. The complaints: each of the others must have ended by itself, after the two steps that went well,
 * with ERR_BN_SYNC, and with a dead communicator exactly where a rank was missing.
 */
export async function complaintsOf(mode: string): Promise<readonly string[]> {
  const options: RunOptions = { recovery: true, limit: 60_000 };
  const { reports, status, stderr } = await mpirunReports<FailureReport>(3, "failures/rank.ts", [mode], options);
  const { dead } = MODES[mode] ?? { dead: false };
  const complaints = [0, 2].flatMap((rank) => {
    const report = reports.find((one) => one.rank === rank);
    if (report === undefined) return [`rank ${rank} did not report: ${stderr}`];
    const expected = { rank, steps: 2, code: "ERR_BN_SYNC", dead, again: dead ? "ERR_BN_SYNC" : "none" };
    const { message, ...got } = report;
    const same = Object.entries(expected).every(([key, value]) => got[key as keyof typeof got] === value);
    return same ? [] : [`${mode}: got ${JSON.stringify(report)}, expected ${JSON.stringify(expected)}`];
  });
  if (status === null) complaints.push(`${mode}: mpirun had to be ended`);
  return complaints;
}
