import { describe, expect, it } from "vitest";
import { mpirunReports, whyNoMpirun } from "./mpirun.ts";
import type { RankReport } from "./ranks/case.ts";
import { runThreads } from "./threads.ts";

const missing = whyNoMpirun();

function expectPassed(reports: readonly RankReport[], size: number, output: string): void {
  expect(reports.map(({ rank }) => rank).sort(), output).toEqual(Array.from({ length: size }, (_, rank) => rank));
  expect(reports.flatMap(({ rank, failed }) => failed.map((text) => `rank ${rank}: ${text}`))).toEqual([]);
  for (const { passed } of reports) expect(passed).toBeGreaterThan(size > 4 ? 60 : 100);
}

describe(`under mpirun${missing ? ` (skipped: ${missing})` : ""}`, () => {
  it.skipIf(missing !== null).each([1, 2, 3, 4, 5, 6, 7, 8])("%i ranks", async (size) => {
    const { reports, status, stderr } = await mpirunReports<RankReport>(size, "ranks/main.ts");
    expectPassed(reports, size, stderr);
    expect(status).toBe(0);
  });

  // What ranks on several machines use.
  it.skipIf(missing !== null).each([1, 3])("%i ranks, by messages in place of shared memory", async (size) => {
    const { reports, status, stderr } = await mpirunReports<RankReport>(size, "ranks/main.ts", ["messages"]);
    expectPassed(reports, size, stderr);
    expect(status).toBe(0);
  });
});

describe("on worker threads", () => {
  it.each([1, 2, 3, 8])("%i ranks", async (size) => {
    expectPassed(await runThreads(size), size, "");
  });
});
