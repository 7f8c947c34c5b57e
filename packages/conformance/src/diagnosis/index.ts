import type { Backend } from "@bn/core";
import type { Case, Cause, Result } from "../case.ts";
import { type Called, callText, givenLeaves, type KernelName } from "./call.ts";
import { execute } from "./execute.ts";
import { failed, type Judged, judge, TOUCHED } from "./judge.ts";
import type { Mistake } from "./mistake.ts";
import { CLAUSES, explains, explanations, inPlaceText, placesText } from "./recognise.ts";
import { record } from "./record.ts";
import { shrink } from "./shrink.ts";
import { snippetOf } from "./snippet.ts";

export { KINDS } from "./mistakes.ts";

/** The result of one kernel call, and its errors. */
interface Failure {
  readonly called: Called;
  readonly judged: Judged;
}

/**
 * Formulas that agree on a small call are told apart by larger ones. This is the number of recorded calls that are
 * checked.
 */
const MOST_WITNESSES = 3;
/** The number of unexplained failures per kernel that are shrunk. Further ones are not. */
const MOST_UNNAMED = 6;
/** A number that no small call returns as its result. */
const GARBAGE = -55.5;

/**
 * Finds out why cases failed. It remembers earlier results, so that the thousandth failure with the same cause costs
 * little.
 */
export interface Diagnoser {
  /**
   * Finds out why a failed case failed. It repeats the case on the same backend, whose kernels then record their
   * operands, finds the first call that is wrong on its own, shrinks it, and names the mistake that explains its
   * result.
   *
   * Errors: rejects only if the backend can no longer be used.
   */
  diagnose(one: Case, result: Result): Promise<Cause>;
}

interface Known {
  readonly kernel: KernelName;
  /** Null if no known mistake explains it. */
  readonly mistake: Mistake | null;
  readonly cause: Cause;
}

/** Creates a diagnoser. It never disposes `backend`. */
export function createDiagnoser(backend: Backend, create: () => Promise<Backend>): Diagnoser {
  const known: Known[] = [];
  return {
    async diagnose(one, result) {
      const { failures, repeated } = await repeatCase(backend, create, one);
      const [first] = failures;
      if (!first) return withoutCall(one, result, repeated);
      const { kernel } = first.called;
      const before = known.filter((one) => one.kernel === kernel);
      const same = before.find(({ mistake }) => mistake && explains(mistake, first.called, first.judged));
      if (same) return same.cause;
      const unnamed = before.filter(({ mistake }) => mistake === null);
      if (unnamed.length >= MOST_UNNAMED) return (unnamed.at(-1) as Known).cause;
      const met = new Set(known.map(({ mistake }) => mistake?.key));
      const found = await examine(backend, failures, first, (mistake) => met.has(mistake.key));
      known.push({ kernel, ...found });
      return found.cause;
    },
  };
}

/** The first few calls of a case that are wrong on their own. */
async function repeatCase(backend: Backend, create: () => Promise<Backend>, one: Case) {
  const recording = record(backend);
  let repeated = true;
  try {
    const comparisons = await one.run({ backend: recording.backend, create });
    repeated = comparisons.some(({ ratio }) => !(ratio <= 1));
  } catch {} // the repeated case is expected to fail
  const failures: Failure[] = [];
  for (const called of await recording.calls()) {
    const judged = judge(called, backend.supports);
    if (failed(called, judged)) failures.push({ called, judged });
    if (failures.length >= MOST_WITNESSES) break;
  }
  return { failures, repeated };
}

async function examine(
  backend: Backend,
  failures: readonly Failure[],
  seen: Failure,
  isMet: (mistake: Mistake) => boolean,
): Promise<Omit<Known, "kernel">> {
  const first = (await repeated(backend, withGarbage(seen.called))) ?? (await repeated(backend, seen.called));
  if (!first) return { mistake: null, cause: keptCause(seen) };
  let { shape, call } = await smallest(backend, first, () => true);
  const { mistake, ...named } = await nameOf(backend, [first, ...failures.slice(1)], shape, call, isMet);
  // If the small call does not show the mistake that the larger calls have in common, another small call of that kind
  // is searched.
  if (mistake && !explains(mistake, shape.called, shape.judged)) {
    ({ shape, call } = await smallest(backend, first, (one) => explains(mistake, one.called, one.judged)));
  }
  const { worst } = call.judged;
  const snippet = snippetOf(call.called, call.judged);
  const cause = {
    ...named,
    clause: CLAUSES[call.called.kernel],
    call: callText(call.called),
    ...(worst && call.called.error === undefined ? { worst } : {}),
    ...(snippet === undefined ? {} : { snippet }),
  };
  return { mistake, cause };
}

/** Shrinks the failure, first its shape and then its numbers, as long as it is `wanted`. */
async function smallest(backend: Backend, first: Failure, wanted: (one: Failure) => boolean) {
  const failureOf = (called: Called): Failure => ({ called, judged: judge(called, backend.supports) });
  const { shape, call } = await shrink(
    first.called,
    async (smaller) => {
      const one = failureOf(await execute(backend, smaller));
      return failed(one.called, one.judged) && sameKind(one.called, first.called) && wanted(one) ? one.called : null;
    },
    () => performance.now(),
  );
  return { shape: failureOf(shape), call: failureOf(call) };
}

/** Repeats a call on new buffers with the same values. Returns its failure, or null if it passes. */
async function repeated(backend: Backend, call: Called): Promise<Failure | null> {
  const called = await execute(backend, call);
  const judged = judge(called, backend.supports);
  return failed(called, judged) ? { called, judged } : null;
}

/** Fills the outputs with a value that is never a result. An output that was 0 could hide that nothing was written. */
function withGarbage(call: Called): Called {
  const outputs = new Set(givenLeaves(call).flatMap(({ path, use }) => (use === "out" ? [path] : [])));
  const before = [...call.before].map(
    ([path, values]) => [path, outputs.has(path) ? values.slice().fill(GARBAGE) : values] as const,
  );
  return { ...call, before: new Map(before) };
}

/** The cause for a call whose operands do not explain its failure: it depends on an earlier call. */
function keptCause({ called, judged }: Failure): Cause {
  const { kernel } = called;
  const path = judged.worst?.what ?? "an output";
  const text = `gives a wrong ${path}, and a right one on fresh buffers of the same values: as if something were kept from an earlier call, in a scratch buffer or a cache`;
  const cause: Cause = { key: `${kernel}/kept`, text, kernel, clause: CLAUSES[kernel], call: callText(called) };
  return judged.worst ? { ...cause, worst: judged.worst } : cause;
}

/** A kernel that throws for another reason at a smaller size is a different failure. */
function sameKind(a: Called, b: Called): boolean {
  return (a.error === undefined) === (b.error === undefined);
}

interface Named extends Pick<Cause, "key" | "text" | "kernel">, Pick<Known, "mistake"> {}

async function nameOf(
  backend: Backend,
  failures: readonly Failure[],
  shape: Failure,
  simple: Failure,
  isMet: (mistake: Mistake) => boolean,
): Promise<Named> {
  const { called, judged } = shape;
  const { kernel, error } = called;
  const named = (key: string, text: string): Named => ({ key: `${kernel}/${key}`, text, kernel, mistake: null });
  if (error !== undefined) {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return named(`throws/${text.replace(/\d+/g, "N")}`, `throws ${text}`);
  }
  if (judged.worst?.note === TOUCHED) {
    const input = judged.worst.what.includes("an input");
    return input
      ? named("input-changed", "changes an input")
      : named("out-of-bounds", "writes past the end of an output");
  }
  const where = await onlyWhere(backend, called);
  const wanted = failures.filter((one) => one.called.kernel === kernel);
  const found = shared([shape, ...wanted])[0] ?? shared(wanted.slice(0, 1))[0] ?? shared([shape])[0];
  if (found) {
    return { key: found.key, text: `as if ${found.text}${where && `, ${where}`}`, kernel, mistake: found };
  }
  const lost = await losesDigits(backend, called);
  if (lost) return named("cancellation", lost);
  // Simple numbers may fit several mistakes, so only a mistake that another failure has shown is accepted.
  const fits = shared([simple]).find(isMet);
  if (fits) return { key: fits.key, text: `as if ${fits.text}${where && `, ${where}`}`, kernel, mistake: fits };
  const path = judged.worst?.what ?? "an output";
  const largest = wanted[0] ?? shape;
  const places = placesText(largest.called, largest.judged);
  return named(
    `${path}${where && "/in-place"}`,
    `gives a wrong ${path}${where && ` ${where}`}${places && `: ${places}`}`,
  );
}

/** The mistakes that explain all of these failures. */
function shared(failures: readonly Failure[]): Mistake[] {
  const [first, ...rest] = failures;
  if (!first) return [];
  const all = explanations(first.called, first.judged);
  return rest.reduce((left, { called, judged }) => {
    if (left.length === 0) return left;
    const texts = new Set(explanations(called, judged).map(({ key }) => key));
    return left.filter(({ key }) => texts.has(key));
  }, all);
}

/** Returns `where y is x` if the same call on two separate buffers is right. */
async function onlyWhere(backend: Backend, called: Called): Promise<string> {
  if (!called.inPlace) return "";
  const apart = await execute(backend, { ...called, inPlace: false });
  return failed(apart, judge(apart, backend.supports)) ? "" : inPlaceText(called.kernel);
}

/** Whether the same call is right after the mean is subtracted from x. If so, digits were lost because of the mean. */
async function losesDigits(backend: Backend, called: Called): Promise<string> {
  const x = called.before.get("x");
  if (!x) return "";
  const { channels, inner } = called.g;
  const mean = called.before.get("stats.mean") ?? firstOfChannels(called);
  const shifted = x.map((value, i) => value - (mean[Math.floor(i / inner) % channels] ?? 0));
  const before = new Map(called.before).set("x", shifted);
  if (called.before.has("stats.mean"))
    before.set(
      "stats.mean",
      mean.map(() => 0),
    );
  const centred = await execute(backend, { ...called, before });
  if (failed(centred, judge(centred, backend.supports))) return "";
  return "loses digits where the mean is large compared with the deviation, as E[x^2] - E[x]^2, sums of x itself, or x * A + B do: subtract the mean first";
}

function firstOfChannels(called: Called) {
  const x = called.before.get("x") ?? new Float64Array(0);
  return x.slice(0, called.g.channels).map((_, c) => x[c * called.g.inner] as number);
}

/** The cause if no kernel call is wrong on its own: the clause, and whether the case fails every time. */
function withoutCall({ clause, group }: Case, { reason, worst }: Result, repeated: boolean): Cause {
  if (!repeated) {
    const text =
      "the case failed, and passed when it was repeated by itself: it depends on earlier calls, or on chance";
    return { key: `unstable/${clause}`, text, clause };
  }
  const kind = worst ? worst.what.replace(/\d+/g, "N") : reason.replace(/[\d.e+-]+/g, "N").slice(0, 80);
  return { key: `clause/${group}/${clause}/${kind}`, text: `${clause} does not hold: ${reason}`, clause };
}
