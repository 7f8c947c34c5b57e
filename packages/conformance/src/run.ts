import type { Backend } from "@bn/core";
import type { Case, Comparison, Needs, Result } from "./case.ts";

export interface RunOptions {
  /** Called after each case, in order. */
  readonly onResult?: (result: Result, done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Runs `cases` on one instance of a backend, in order, and disposes it. A case that the backend's declared facts
 * exclude is skipped, with the fact as the reason. A case that throws has failed.
 *
 * Errors: rejects if `create` does, or with the signal's reason when aborted.
 */
export async function runCases(
  name: string,
  create: () => Promise<Backend>,
  cases: readonly Case[],
  { onResult, signal }: RunOptions = {},
): Promise<Result[]> {
  const backend = await create();
  const results: Result[] = [];
  try {
    for (const one of cases) {
      signal?.throwIfAborted();
      const result = await runCase(name, backend, create, one);
      results.push(result);
      onResult?.(result, results.length, cases.length);
    }
  } finally {
    await backend.dispose();
  }
  return results;
}

/** Runs one case and returns its result; never rejects. */
export async function runCase(
  name: string,
  backend: Backend,
  create: () => Promise<Backend>,
  one: Case,
): Promise<Result> {
  const { id, group, clause } = one;
  const base = { backend: name, id, group, clause, error: null, bound: null, ratio: null };
  const lacking = lacks(backend, one.needs);
  if (lacking !== null) return { ...base, status: "skipped", reason: lacking };
  let comparisons: readonly Comparison[];
  try {
    comparisons = await one.run({ backend, create });
  } catch (error) {
    const reason = error instanceof Error ? error.message || error.name : String(error);
    return { ...base, status: "failed", reason, stack: stackText(error) };
  }
  const worst = comparisons.reduce<Comparison | null>((a, b) => (a === null || b.ratio > a.ratio ? b : a), null);
  if (worst === null) return { ...base, status: "failed", reason: "the case compared nothing, so it has no verdict" };
  const numbers = { error: worst.error, bound: worst.bound, ratio: worst.ratio };
  if (worst.ratio <= 1) return { ...base, ...numbers, status: "passed", reason: "" };
  return {
    ...base,
    ...numbers,
    status: "failed",
    reason: `${worst.what} is off by ${worst.ratio.toPrecision(3)} times its bound`,
    worst,
  };
}

/** The stack of an error and of its causes, in the form that engines print. */
function stackText(error: unknown): string {
  const parts: string[] = [];
  for (let e = error; e instanceof Error && parts.length < 5; e = e.cause) parts.push(e.stack ?? String(e));
  return parts.join("\ncaused by ") || String(error);
}

/** The fact that excludes this backend from a case, in words, or null. */
function lacks({ supports, kernels }: Backend, needs: Needs): string | null {
  if (needs.dtype && !supports.dtypes.includes(needs.dtype)) return `supports.dtypes lacks ${needs.dtype}`;
  for (const fact of [
    "nonFinite",
    "fullRange",
    "subnormals",
    "correctlyRounded",
    "hostVisible",
    "deterministic",
  ] as const) {
    if (needs[fact] && !supports[fact]) return `supports.${fact} is false`;
  }
  if (needs.splitMoments && !kernels.splitMoments) return "kernels.splitMoments is absent";
  if (needs.fused && !(kernels.forward && kernels.backward)) return "kernels.forward or kernels.backward is absent";
  return null;
}
