import type { Result, Tier } from "@bn/conformance";
import type { Supports } from "@bn/core";
import type { BackendName } from "../backends.ts";
import { type Problem, problemOf } from "../parts/problem.ts";
import { startBackend } from "./start.ts";
import type { Named, Order, Progress } from "./worker.ts";

/** One backend in a run, as the page shows it. */
export interface BackendRun {
  readonly name: BackendName;
  readonly phase: "starting" | "running" | "done" | "cancelled" | "stopped";
  readonly supports: Supports | null;
  readonly contractVersion: number | null;
  /** The cases of all parts of the run, in order. */
  readonly cases: readonly Named[];
  readonly results: readonly Result[];
  /** The case that is being run, or what is loaded before the first one. */
  readonly next: string;
  readonly problem: Problem | null;
}

export interface RunState {
  readonly started: Date;
  readonly seconds: number;
  readonly tier: Tier;
  readonly only: Order["only"];
  readonly backends: readonly BackendRun[];
}

export interface Run {
  readonly done: Promise<void>;
  cancel(): void;
}

export const SEED = "1";

export const isRunning = (state: RunState): boolean =>
  state.backends.some(({ phase }) => phase === "starting" || phase === "running");

/** Whether some cases of the whole suite have not run, because the run was quick or was cancelled. */
export const isUnfinished = (state: RunState): boolean =>
  state.tier === "quick" || state.backends.some(({ phase }) => phase === "cancelled");

/** Creates the backends of a run that has not begun. `before` is the run that this one continues. */
export function beginRun(
  names: readonly BackendName[],
  tier: Tier,
  only: Order["only"],
  before: RunState | null,
): RunState {
  const fresh = (name: BackendName): BackendRun => ({
    name,
    phase: "starting",
    supports: null,
    contractVersion: null,
    cases: [],
    results: [],
    next: "loading the code",
    problem: null,
  });
  const old = (name: BackendName) => {
    const one = before?.backends.find((other) => other.name === name);
    if (!one) return {};
    return { ...one, cases: casesThatRan(one) }; // all others are run again
  };
  const backends = names.map((name) => ({ ...fresh(name), ...old(name), phase: "starting" as const, problem: null }));
  return { started: before?.started ?? new Date(), seconds: before?.seconds ?? 0, tier, only, backends };
}

/** Runs every backend of `state` at the same time, each in a worker of its own. */
export function startRun(state: RunState, onChange: (state: RunState) => void): Run {
  let now = state;
  const begun = performance.now();
  const change = (name: BackendName, part: (one: BackendRun) => Partial<BackendRun>) => {
    const backends = now.backends.map((one) => (one.name === name ? { ...one, ...part(one) } : one));
    now = { ...now, seconds: state.seconds + (performance.now() - begun) / 1000, backends };
    onChange(now);
  };
  const tasks = state.backends.map(({ name }) => {
    const order = () => ({
      backend: name,
      tier: state.tier,
      seed: SEED,
      base: document.baseURI,
      only: state.only,
      done: [...ranOf(now.backends.find((one) => one.name === name))],
    });
    const task = startBackend(name, order, (progress) => change(name, (one) => applied(one, progress)));
    const ended = task.done.then(
      (how) => change(name, (one) => ({ phase: how === "cancelled" ? "cancelled" : endOf(one), next: "" })),
      (error: unknown) =>
        change(name, () => ({ phase: "stopped", next: "", problem: problemOf(error, `${name} did not run`) })),
    );
    return { task, ended };
  });
  return {
    done: Promise.all(tasks.map(({ ended }) => ended)).then(() => {}),
    cancel: () => {
      for (const { task } of tasks) task.cancel();
    },
  };
}

const ranOf = (one: BackendRun | undefined) => new Set(one?.results.map(({ id }) => id));

function casesThatRan(one: BackendRun): readonly Named[] {
  const ran = ranOf(one);
  return one.cases.filter(({ id }) => ran.has(id));
}

const endOf = ({ results, cases }: BackendRun) => (results.length < cases.length ? "stopped" : "done");

function applied(one: BackendRun, progress: Progress): Partial<BackendRun> {
  if (progress.type === "starting") return { next: `loading ${progress.what}` };
  if (progress.type === "results") return { results: [...one.results, ...progress.results], next: progress.next };
  if (progress.type === "lost") {
    const error = { code: "ERR_BN_DEVICE", message: progress.message };
    return { problem: problemOf(error, `${one.name} lost its device`) };
  }
  const { supports, contractVersion, cases } = progress;
  // A worker that was replaced has started with cases that did not run.
  const all = [...casesThatRan(one), ...cases];
  return { phase: "running", supports, contractVersion, cases: all, next: cases[0]?.id ?? "" };
}
