import { describe, expect, it } from "vitest";
import { MODES, outcomeOf } from "./failures/modes.ts";
import { mpirunReports, whyNoMpirun } from "./mpirun.ts";

const missing = whyNoMpirun();

// `pnpm --filter @bn/mpi failures 100` repeats each test a hundred times.
describe(`a rank of three fails${missing ? ` (skipped: ${missing})` : ""}`, () => {
  it.skipIf(missing !== null).each(Object.keys(MODES))("%s: the others get a typed error", async (mode) => {
    expect((await outcomeOf(mode)).complaints).toEqual([]);
  });

  it.skipIf(missing !== null)(
    "killed, without --enable-recovery: mpirun ends the others and says that the run has failed",
    async () => {
      const { status } = await mpirunReports(3, "failures/rank.ts", ["kill"]);
      expect(status).not.toBe(0);
      expect(status).not.toBeNull();
    },
  );

  it.skipIf(missing !== null)("none: the same program ends well", async () => {
    const { status, reports } = await mpirunReports<{ steps: number; code: string }>(3, "failures/rank.ts", ["none"]);
    expect(reports.map(({ steps, code }) => [steps, code])).toEqual([
      [5, "none"],
      [5, "none"],
      [5, "none"],
    ]);
    expect(status).toBe(0);
  });
});
