import type { Result } from "../case.ts";
import type { JsonReport } from "./json.ts";

/** Results compared with a baseline. Failures that the baseline lists are known. */
export interface Known {
  readonly results: readonly Result[];
  /** Ids that the baseline lists as failed and that passed now. They should be removed from it. */
  readonly passed: readonly string[];
  /** Ids that the baseline lists as failed and that did not run now. */
  readonly gone: readonly string[];
}

const keyOf = ({ backend, id }: { readonly backend: string; readonly id: string }) => `${backend}\n${id}`;

/** Marks the failures that `baseline` lists, and finds entries that are no longer needed. */
export function withBaseline(results: readonly Result[], baseline: JsonReport): Known {
  const known = new Set(baseline.results.filter(({ status }) => status === "failed").map(keyOf));
  const marked = results.map((result) =>
    result.status === "failed" && known.has(keyOf(result)) ? { ...result, known: true as const } : result,
  );
  const statuses = new Map(results.map((result) => [keyOf(result), result.status]));
  const nameOf = (key: string) => key.replace("\n", "  ");
  return {
    results: marked,
    passed: [...known].filter((key) => statuses.get(key) === "passed").map(nameOf),
    gone: [...known].filter((key) => !statuses.has(key)).map(nameOf),
  };
}
