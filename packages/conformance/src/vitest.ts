import type { Backend } from "@bn/core";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { Case, Cause, Result } from "./case.ts";
import { cases } from "./cases/index.ts";
import { createDiagnoser, type Diagnoser } from "./diagnosis/index.ts";
import { IMPORT } from "./diagnosis/snippet.ts";
import { CLAUSES } from "./report/clauses.ts";
import { runCase } from "./run.ts";
import { startWatchdog, type Watchdog } from "./watchdog.ts";

export interface ConformanceOptions {
  /** Default: the quick cases, for work on a kernel. `cases()` is the whole suite, as `bn conformance` runs it. */
  readonly cases?: readonly Case[];
  /**
   * Time limit per case, in milliseconds. Default 60,000, because a software GPU is slow. In Node, a case that keeps
   * its thread busy for one and a half times the limit ends the process of its test file, because nothing else can end
   * it.
   */
  readonly timeout?: number;
}

/**
 * Adds the suite to a vitest file, with one test per case. A case that the backend's declared facts exclude is skipped,
 * with the fact as the reason.
 *
 * @example
 * ```ts
 * import { conformance } from "@bn/conformance/vitest";
 * import { createCpu } from "@bn/cpu";
 * conformance("cpu", () => createCpu());
 * ```
 */
export function conformance(name: string, create: () => Promise<Backend>, options: ConformanceOptions = {}): void {
  const { cases: chosen = cases({ tier: "quick" }), timeout = 60_000 } = options;
  describe(`conformance of ${name}`, () => {
    let backend: Backend | undefined;
    let diagnoser: Diagnoser | undefined;
    const verdicts: Record<Result["status"], number> = { passed: 0, failed: 0, skipped: 0, notRun: 0 };
    let watchdog: Watchdog | undefined;
    beforeAll(async () => {
      watchdog = startWatchdog(1.5 * timeout);
      watchdog.begin(`${name}: its start`);
      backend = await create();
      diagnoser = createDiagnoser(backend, create);
      watchdog.end();
    }, timeout);
    afterAll(async () => {
      watchdog?.begin(`${name}: dispose()`);
      await backend?.dispose();
      watchdog?.close();
    }, timeout);
    for (const group of new Set(chosen.map((one) => one.group))) {
      describe(group, () => {
        for (const one of chosen.filter((other) => other.group === group)) {
          it(
            `${one.id} (${one.clause})`,
            async (test) => {
              watchdog?.begin(`${name}: ${one.id}`);
              const result = await runCase(name, backend as Backend, create, one);
              watchdog?.end();
              verdicts[result.status]++;
              if (result.status === "skipped") test.skip(result.reason);
              if (result.status !== "failed") return;
              // Finding the cause is worth repeating the case. If that goes wrong, the original failure must still be
              // reported.
              watchdog?.begin(`${name}: ${one.id}, repeated to find out why it failed`);
              const cause = await diagnoser?.diagnose(one, result).catch(() => undefined);
              watchdog?.end();
              throw new Error(failureText(cause ? { ...result, cause } : result));
            },
            timeout,
          );
        }
      });
    }
    // Otherwise an empty list of cases, or a backend that declares away every fact, would pass.
    it("something was judged", () => {
      const { passed, failed, skipped } = verdicts;
      if (passed + failed > 0) return;
      throw new Error(`${chosen.length} cases, ${skipped} of them skipped, so there is no verdict on ${name}`);
    });
  });
}

/** Everything that is needed to investigate a failure. The data depend only on the id. */
export function failureText({ backend, id, clause, reason, worst, cause, stack }: Result): string {
  const failure = `${backend}: ${id} (docs/spec.md ${clause}; data seeded by the id): ${reason}`;
  const head = [failure, ...causeLines(cause), ...(stack === undefined ? [] : [stack])].join("\n");
  if (!worst) return head;
  const { what, at, got, expected, error, bound, ratio, note } = worst;
  return [
    head,
    `  ${what} at outer ${at.outer}, channel ${at.channel}, inner ${at.inner}`,
    `  got      ${got}`,
    `  expected ${expected}`,
    `  error    ${error}, allowed ${bound}, ratio ${ratio}`,
    ...(note === undefined ? [] : [`  note     ${note}`]),
  ].join("\n");
}

/** The likely mistake, its clause, and the smallest call that shows it. */
function causeLines(cause: Cause | undefined): string[] {
  if (!cause) return [];
  const { kernel, text, clause, call, snippet } = cause;
  return [
    `  ${kernel === undefined ? "" : `${kernel}: `}${text}`,
    `  ${clause}: ${CLAUSES[clause] ?? ""}`,
    ...(call === undefined ? [] : [`  ${call}`]),
    ...(snippet === undefined
      ? []
      : snippet
          .replace(IMPORT, "// `create` makes the backend")
          .split("\n")
          .map((l) => `    ${l}`)),
  ];
}
