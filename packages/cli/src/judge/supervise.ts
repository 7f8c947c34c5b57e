import type { Case, Result } from "@bn/conformance";
import type { Supports } from "@bn/core";
import type { Entry, Fault } from "./journal.ts";
import type { SuiteOptions } from "./order.ts";
import type { Printed } from "./printed.ts";
import { type End, type Limits, runProcess } from "./process.ts";

/** How many times a backend is started again after its process ended, hung or grew. After that the rest is not run. */
const RESTARTS = 10;

/** The reason for the end of a run that the user interrupted. */
export const INTERRUPTED = "interrupted";

export interface Judging {
  readonly spec: string;
  readonly name: string | null;
  readonly suite: SuiteOptions;
  readonly limits: Limits;
  readonly diagnose: boolean;
  /** The cases to run, with their indices in the suite. */
  readonly cases: readonly { readonly one: Case; readonly index: number }[];
  /** Called when the backend has started for the first time. */
  readonly onStart: (name: string) => void;
  readonly onResult: (result: Result) => void;
  /** Returns a reason to end the run, after which the remaining cases are not run. */
  readonly stop: () => string | null;
}

export interface Judged {
  /** Null if it never started. */
  readonly started: { readonly name: string; readonly supports: Supports; readonly contractVersion: number } | null;
  /** The reason why it did not start. */
  readonly noStart: NoStart | null;
  readonly results: readonly Result[];
  readonly printed: Printed;
}

interface NoStart {
  readonly code: string;
  readonly message: string;
  readonly frame: string | null;
}

type Started = NonNullable<Judged["started"]>;
export const SILENT: Printed = { lines: 0, first: [], last: "" };

/**
 * Judges one backend in separate processes. A case in which the process ends, hangs or grows has failed, and the next
 * process continues after it. Every case has a result. It never rejects because of what a backend does.
 */
export async function superviseBackend(judging: Judging): Promise<Judged> {
  const { spec, name, suite, limits, diagnose, cases, onStart, onResult, stop } = judging;
  const results = new Map<number, Result>();
  const faults = new Map<string, Fault>();
  const byIndex = new Map(cases.map(({ one, index }) => [index, one]));
  let started: Started | null = null;
  let noStart: NoStart | null = null;
  let printed = SILENT;
  let why = "";
  const nameOf = () => name ?? started?.name ?? spec;
  const left = () => cases.map(({ index }) => index).filter((index) => !results.has(index));
  const give = (index: number, result: Result) => {
    results.set(index, result);
    onResult(result);
  };

  for (let starts = 0; starts === 0 || left().length > 0; starts++) {
    why = stop() ?? (starts > RESTARTS ? `its process ended ${starts} times` : "");
    if (why !== "") break;
    let stage: Entry | null = null;
    noStart = null;
    const onEntry = (entry: Entry) => {
      if (entry.type === "ready") {
        const { name: own, supports, contractVersion } = entry;
        if (!started) onStart(name ?? own);
        started ??= { name: name ?? own, supports, contractVersion };
      } else if (entry.type === "noStart") noStart = entry;
      // A process that is about to be stopped may have continued.
      else if (entry.type === "result" && stop() === null) give(entry.index, entry.result);
      else if (entry.type === "cause") addCause(results, entry.index, entry.cause);
      else if (entry.type === "fault") faults.set(entry.fault.name, faults.get(entry.fault.name) ?? entry.fault);
      if (entry.type !== "fault" && entry.type !== "noStart") stage = entry;
    };
    const order = { spec, name, suite, diagnose, cases: left() };
    // The cause of the last failure is still searched, unless the user waits for the end.
    const looking = () => stage?.type === "diagnose" || (stage?.type === "result" && stage.result.status === "failed");
    const ran = await runProcess(order, limits, onEntry, () => {
      const reason = stop();
      return reason !== null && (reason === INTERRUPTED || !diagnose || !looking());
    });
    printed = joined(printed, ran.printed);
    const problem = ran.end.how === "done" ? null : problemOf(ran.end, ran.printed);
    // TypeScript does not see that onEntry assigns these.
    const [at, refused] = [stage as Entry | null, noStart as NoStart | null];
    if (refused || at === null || at.type === "alive") {
      const when = at === null ? "before the module was loaded" : "while the backend was loaded and created";
      noStart = refused ?? { code: "", message: `its process ${problem} ${when}`, frame: null };
      why = `it failed to start again: ${noStart.message}`;
      break;
    }
    if (ran.end.how === "stopped") continue;
    if (at.type === "begin") {
      give(at.index, endedResult(nameOf(), byIndex.get(at.index) as Case, ran.end, problem ?? "ended"));
    } else if (at.type === "dispose" && problem !== null) {
      faults.set("dispose", { name: "dispose", reason: `its process ${problem} during dispose()` });
    } else if (at.type === "ready" && problem !== null) {
      why = `its process ${problem} before its first case`;
      break;
    }
  }

  if (started) {
    for (const index of left()) give(index, notRun(nameOf(), byIndex.get(index) as Case, why));
    for (const fault of faults.values()) give(-results.size - 1, faultResult(nameOf(), fault));
    noStart = null;
  }
  const ordered = [...results].sort(([a], [b]) => (a < 0 ? 1 : b < 0 ? -1 : a - b)).map(([, result]) => result);
  return { started, noStart, results: ordered, printed };
}

/** `exited with code 1`, with the last line that it printed, which often is the reason of a crash. */
function problemOf({ how, reason }: End, { last }: Printed): string {
  return how === "ended" && last !== "" ? `${reason}; it last printed: ${last}` : reason;
}

function baseOf(backend: string, { id, group, clause }: Pick<Case, "id" | "group" | "clause">) {
  return { backend, id, group, clause, error: null, bound: null, ratio: null } as const;
}

function endedResult(backend: string, one: Case, { how }: End, problem: string): Result {
  const clause = how === "timeout" ? "P-2" : how === "memory" ? "P-3" : "P-1";
  const text = `the process of the backend ${problem.replace(/\d+(?= MiB)/, "too many")}`;
  return {
    ...baseOf(backend, one),
    status: "failed",
    reason: `its process ${problem}`,
    cause: { key: `process/${how}/${problem.split(";")[0]?.replace(/\d+ MiB/, "")}`, text, clause },
  };
}

/** The result of a case that did not run. */
export function notRun(backend: string, one: Case, why: string): Result {
  return { ...baseOf(backend, one), status: "notRun", reason: why };
}

function faultResult(backend: string, { name, reason, stack }: Fault): Result {
  const base = baseOf(backend, { id: `process/${name}`, group: "process", clause: "P-1" });
  return { ...base, status: "failed", reason, ...(stack === undefined ? {} : { stack }) };
}

function addCause(results: Map<number, Result>, index: number, cause: Result["cause"] | null): void {
  const result = results.get(index);
  if (result && cause) results.set(index, { ...result, cause });
}

/** What two processes printed, one after the other. */
export function joined(a: Printed, b: Printed): Printed {
  return { lines: a.lines + b.lines, first: [...a.first, ...b.first].slice(0, 5), last: b.last || a.last };
}
