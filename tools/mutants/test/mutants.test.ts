import type { Result } from "@bn/conformance";
import { cases, runCases } from "@bn/conformance";
import type { Backend } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { afterAll, describe, expect, it, vi } from "vitest";
import { backendMutants } from "../src/backend-mutants.ts";
import { layerMutants } from "../src/layer-mutants.ts";
import { rangeMutants } from "../src/range-mutants.ts";

// Tests the suite itself: each mutant is cpu, or core, with one planted bug, and must fail a case of the clause that it
// violates. Only that clause's cases run, up to the first that fails.
const killed: { bug: string; clause: string; "first case to fail": string }[] = [];

async function firstFailure(suite: typeof import("@bn/conformance"), create: () => Promise<Backend>, clause: string) {
  const chosen = suite.cases({ tier: "quick" }).filter((one) => one.clause === clause);
  expect(chosen.length, `cases of clause ${clause}`).toBeGreaterThan(0);
  const stop = new AbortController();
  let failure: Result | undefined;
  const run = suite.runCases("mutant", create, chosen, {
    signal: stop.signal,
    onResult(result) {
      if (result.status !== "failed") return;
      failure = result;
      stop.abort();
    },
  });
  await run.catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  return failure;
}

async function expectKilled(
  { bug, clause }: { bug: string; clause: string },
  suite: typeof import("@bn/conformance"),
  create: () => Promise<Backend>,
): Promise<void> {
  const failure = await firstFailure(suite, create, clause);
  expect(failure, `"${bug}" passes all cases of clause ${clause}`).toBeDefined();
  killed.push({ bug, clause, "first case to fail": failure?.id ?? "" });
}

describe("every mutant of a backend is killed", () => {
  it.each([...backendMutants, ...rangeMutants])("$bug ($clause)", async (mutant) => {
    await expectKilled(mutant, { cases, runCases } as typeof import("@bn/conformance"), mutant.create);
  });
});

describe("every mutant of the layers is killed", () => {
  it.each(layerMutants)("$bug ($clause)", async (mutant) => {
    vi.resetModules();
    vi.doMock("@bn/core", async (importOriginal) => {
      const real = await importOriginal<typeof import("@bn/core")>();
      return { ...real, ...mutant.mutate(real) };
    });
    await expectKilled(mutant, await import("@bn/conformance"), createCpu);
  });
});

it("nothing dies without a bug: cpu passes the clauses that kill", async () => {
  const clauses = new Set([...backendMutants, ...rangeMutants, ...layerMutants].map(({ clause }) => clause));
  const results = await runCases(
    "cpu",
    createCpu,
    cases({ tier: "quick" }).filter(({ clause }) => clauses.has(clause)),
  );
  expect(results.filter(({ status }) => status === "failed")).toEqual([]);
});

afterAll(() => console.table(killed));
