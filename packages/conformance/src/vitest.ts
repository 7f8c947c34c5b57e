import type { Backend } from "@bn/core";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { Case, Result } from "./case.ts";
import { cases } from "./cases/index.ts";
import { runCase } from "./run.ts";

export interface ConformanceOptions {
  /** Default: `cases()`, all of them. */
  readonly cases?: readonly Case[];
  /** For each case, in milliseconds. Default 60,000: a software GPU is slow. */
  readonly timeout?: number;
}

/**
 * Puts the suite into a vitest file, one test a case. A case that the backend's declared facts exclude is skipped, with
 * the fact as the reason.
 *
 * @example
 * ```ts
 * import { conformance } from "@bn/conformance/vitest";
 * import { createCpu } from "@bn/cpu";
 * conformance("cpu", () => createCpu());
 * ```
 */
export function conformance(name: string, create: () => Promise<Backend>, options: ConformanceOptions = {}): void {
  const { cases: chosen = cases(), timeout = 60_000 } = options;
  describe(`conformance of ${name}`, () => {
    let backend: Backend | undefined;
    beforeAll(async () => {
      backend = await create();
    }, timeout);
    afterAll(async () => {
      await backend?.dispose();
    }, timeout);
    for (const group of new Set(chosen.map((one) => one.group))) {
      describe(group, () => {
        for (const one of chosen.filter((other) => other.group === group)) {
          it(
            `${one.id} (${one.clause})`,
            async (test) => {
              const result = await runCase(name, backend as Backend, create, one);
              if (result.status === "skipped") test.skip(result.reason);
              if (result.status === "failed") throw new Error(failureText(result));
            },
            timeout,
          );
        }
      });
    }
  });
}

/** All that is needed to look into a failure: the data depend on the id alone. */
export function failureText({ backend, id, clause, reason, worst }: Result): string {
  const head = `${backend}: ${id} (docs/spec.md ${clause}; data seeded by the id): ${reason}`;
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
