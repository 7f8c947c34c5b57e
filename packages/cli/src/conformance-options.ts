import { availableParallelism, totalmem } from "node:os";
import { BnError } from "@bn/core";
import { MIB, type SuiteOptions } from "./judge/order.ts";
import type { Limits } from "./judge/process.ts";

/** The options of the command line. */
export interface ConformanceOptions {
  readonly backend?: string;
  readonly goldens?: string;
  readonly filter?: string;
  readonly quick?: boolean;
  readonly full?: boolean;
  readonly seed?: string;
  readonly timeout?: string;
  readonly maxMemory?: string;
  readonly jobs?: string;
  readonly bail?: string | true;
  readonly shard?: string;
  readonly baseline?: string;
  readonly json?: string;
  readonly html?: string;
  readonly junit?: string;
  readonly github?: boolean;
  readonly force?: boolean;
}

export interface Settings {
  readonly suite: SuiteOptions;
  readonly limits: Limits;
  /** Processes per backend that run side by side; null if the user did not say. */
  readonly jobs: number | null;
  /** The number of failures after which the run ends; null for no limit. */
  readonly bail: number | null;
  readonly shard: { readonly index: number; readonly count: number } | null;
  readonly files: readonly { readonly option: string; readonly path: string }[];
  readonly github: boolean;
  readonly force: boolean;
  /** The options by which a command selects from the same cases. */
  readonly repeat: readonly string[];
}

const SECONDS = 60;
/** Half of the machine's memory, limited to more than a suite should need. */
const MOST_MIB = 8192;

/** Errors: `ERR_BN_PARAM`; the message names the option, its value and the expected value. */
export function settingsOf(options: ConformanceOptions): Settings {
  const { goldens, filter, shard, json, html, junit, seed = "1" } = options;
  if (options.quick && options.full) throw bad("--quick and --full are different tiers; give one of them");
  const tier = options.quick ? "quick" : options.full ? "full" : "default";
  const files = Object.entries({ json, html, junit }).flatMap(([name, path]) =>
    path === undefined ? [] : [{ option: `--${name}`, path }],
  );
  const streams = files.filter(({ path }) => path === "-").map(({ option }) => `${option} -`);
  if (streams.length > 1) throw bad(`${streams.join(" and ")} both name standard output; write one of them to a file`);
  return {
    suite: { ...(goldens === undefined ? {} : { goldens }), ...(filter === undefined ? {} : { filter }), tier, seed },
    limits: {
      timeout: numberOf("--timeout", options.timeout, SECONDS, "seconds"),
      maxMemory: numberOf("--max-memory", options.maxMemory, defaultMemory(), "MiB"),
    },
    jobs: options.jobs === undefined ? null : wholeOf("--jobs", options.jobs),
    bail: options.bail === undefined ? null : options.bail === true ? 1 : wholeOf("--bail", options.bail),
    shard: shard === undefined ? null : shardOf(shard),
    files,
    github: options.github ?? process.env.GITHUB_ACTIONS === "true",
    force: options.force ?? false,
    repeat: [
      ...(goldens === undefined ? [] : ["--goldens", goldens]),
      ...(tier === "default" ? [] : [`--${tier}`]),
      ...(seed === "1" ? [] : ["--seed", seed]),
    ],
  };
}

const MOST_JOBS = 4;
/**
 * A process takes a second to start and some hundred MiB, so few cases, or little memory, do not justify another one.
 */
const CASES_PER_JOB = 1500;
const MIB_PER_JOB = 2048;

/** The number of processes if the user did not say. */
export function usualJobs(cases: number): number {
  const worth = Math.floor(Math.min(cases / CASES_PER_JOB, totalmem() / MIB / MIB_PER_JOB));
  return Math.max(1, Math.min(MOST_JOBS, availableParallelism(), worth));
}

const defaultMemory = () => Math.min(MOST_MIB, Math.floor(totalmem() / 2 / MIB));

function numberOf(option: string, text: string | undefined, usual: number, unit: string): number {
  if (text === undefined) return usual;
  const value = Number(text);
  if (text.trim() === "" || !(value > 0) || !Number.isFinite(value)) {
    throw bad(`${option} ${text}: expected a number of ${unit} above 0, such as ${usual}`);
  }
  return value;
}

function wholeOf(option: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw bad(`${option} ${text}: expected a whole number >= 1`);
  return Number(text);
}

function shardOf(text: string): { index: number; count: number } {
  const [, index, count] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (index === undefined || shard.index < 1 || shard.index > shard.count) {
    throw bad(`--shard ${text}: expected I/N, part I of N, such as 1/4`);
  }
  return shard;
}

function bad(message: string): BnError {
  return new BnError("ERR_BN_PARAM", message);
}
