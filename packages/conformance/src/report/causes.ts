import type { Comparison, Result } from "../case.ts";
import { IMPORT } from "../diagnosis/snippet.ts";
import { CLAUSES } from "./clauses.ts";
import { groupBy, type Report } from "./table.ts";

/** Failures of one backend with the same cause. */
export interface CauseGroup {
  readonly backend: string;
  readonly key: string;
  /** One line that names the mistake, or the clause that is violated. */
  readonly text: string;
  readonly clause: string;
  /** The text of that clause in docs/spec.md. */
  readonly clauseText: string;
  readonly count: number;
  /** The smallest failed case, as far as ids tell, which should be looked at first. */
  readonly smallest: Result;
  readonly ids: readonly string[];
  /** The smallest kernel call that still fails, in words, with its worst output. */
  readonly call: string | null;
  readonly worst: Comparison | null;
  /** A program that runs without the suite. */
  readonly snippet: string | null;
  /** The command `bn conformance ...` that repeats it; null if the backend has no name that a command can use. */
  readonly repeat: string | null;
}

/** The failures of a report by backend and cause, without known ones. The cause with most failures comes first. */
export function causesOf({ backends, results, run }: Report): CauseGroup[] {
  const failures = results.filter((r) => r.status === "failed" && r.known !== true);
  const told = new Set(failures.filter(({ cause }) => cause).map(({ backend }) => backend));
  const key = (r: Result) => (r.cause || !told.has(r.backend) ? keyOf(r) : NOT_EXAMINED);
  const groups = [...groupBy(failures, (r) => `${r.backend}\n${key(r)}`)].map(([, some]) => {
    const [first] = some as [Result];
    const smallest = some.reduce((a, b) => (sizeOf(b.id) < sizeOf(a.id) ? b : a), first);
    const { cause } = [smallest, ...some].find((r) => r.cause?.snippet) ?? smallest;
    const clause = cause?.clause ?? smallest.clause;
    const { spec, importing } = backends.find(({ name }) => name === first.backend) ?? {};
    return {
      backend: first.backend,
      key: key(first),
      text:
        (cause && kernelsText(cause.text, some)) ??
        (key(first) === NOT_EXAMINED ? NOT_EXAMINED_TEXT : textOf(smallest)),
      clause,
      clauseText: CLAUSES[clause] ?? "",
      count: some.length,
      smallest,
      ids: some.map(({ id }) => id),
      call: cause?.call ?? null,
      worst: cause?.worst ?? smallest.worst ?? null,
      snippet: cause?.snippet?.replace(IMPORT, importing ?? HOW) ?? null,
      repeat: spec === undefined ? null : repeatOf(spec, smallest.id, run?.repeat ?? []),
    };
  });
  const last = (group: CauseGroup) => (group.key === NOT_EXAMINED ? 1 : 0);
  return groups.sort((a, b) => last(a) - last(b) || b.count - a.count);
}

const HOW = "// `create` makes the backend";

/**
 * Prefixes the kernels, as in `normalize, gradSums: as if ...`: several kernels may share the code with the mistake.
 */
function kernelsText(text: string, failures: readonly Result[]): string {
  const kernels = new Set(failures.flatMap(({ cause }) => cause?.kernel ?? []));
  return kernels.size === 0 ? text : `${[...kernels].join(", ")}: ${text}`;
}

/** The key of failures that were not examined, because the time limit was used up by others. */
export const NOT_EXAMINED = "not-examined";
const NOT_EXAMINED_TEXT = "more failures were not analysed: fix those above, and run again";

/** The key of a failure. If causes were not searched for, it is the clause. */
function keyOf({ cause, group, clause, reason, worst }: Result): string {
  if (cause) return cause.key;
  return `clause/${group}/${clause}/${worst ? "number" : reason.replace(/[\d.]+/g, "N").slice(0, 60)}`;
}

function textOf({ clause, reason }: Result): string {
  return `${clause} does not hold: ${reason}`;
}

/** The product of all sizes in an id such as `kernels/moments/2x3x5/float32`. Ids without sizes count as small. */
function sizeOf(id: string): number {
  const sizes = [...id.matchAll(/(?<![\d.a-z])\d+(?:x\d+)+/g)].map(([text]) =>
    text.split("x").reduce((product, size) => product * Number(size), 1),
  );
  return Math.max(0, ...sizes);
}

function repeatOf(spec: string, id: string, options: readonly string[]): string {
  // A failure of the process is not the failure of one case: any case, or only all of them together, may cause it.
  const filter = id.startsWith("process/") ? [] : ["--filter", quoted(id)];
  return ["bn conformance --backend", quoted(spec), ...options.map(quoted), ...filter].join(" ");
}

/** Quotes a word for a POSIX shell. */
function quoted(text: string): string {
  return /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
