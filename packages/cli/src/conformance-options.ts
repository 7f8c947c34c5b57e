import { availableParallelism, totalmem } from "node:os";
import { bad } from "./errors.ts";
import type { ReportOptions } from "./files.ts";
import { MIB, type SuiteOptions } from "./judge/order.ts";
import type { Limits } from "./judge/process.ts";
import { positiveOf, shardOf, wholeOf } from "./option-values.ts";

/** The options of the command line. */
export interface ConformanceOptions extends ReportOptions {
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
  readonly junit?: string;
  readonly github?: boolean;
}

export interface Settings {
  readonly suite: SuiteOptions;
  readonly limits: Limits;
  /** Processes per backend that run side by side; null if the user did not say. */
  readonly jobs: number | null;
  /** The number of failures after which the run ends; null for no limit. */
  readonly bail: number | null;
  readonly shard: { readonly index: number; readonly count: number } | null;
  readonly github: boolean;
  /** The options by which a command selects from the same cases. */
  readonly repeat: readonly string[];
}

const SECONDS = 60;
/** Half of the machine's memory, limited to more than a suite should need. */
const MOST_MIB = 8192;

/** Errors: `ERR_BN_PARAM`; the message names the option, its value and the expected value. */
export function settingsOf(options: ConformanceOptions): Settings {
  const { goldens, filter, shard, seed = "1" } = options;
  if (options.quick && options.full) throw bad("--quick and --full are different tiers; give one of them");
  const tier = options.quick ? "quick" : options.full ? "full" : "default";
  return {
    suite: { goldens, filter, tier, seed },
    limits: {
      timeout: positiveOf("--timeout", options.timeout) ?? SECONDS,
      maxMemory: positiveOf("--max-memory", options.maxMemory) ?? defaultMemory(),
    },
    jobs: wholeOf("--jobs", options.jobs) ?? null,
    bail: wholeOf("--bail", options.bail === true ? "1" : options.bail) ?? null,
    shard: shard === undefined ? null : shardOf(shard),
    github: options.github ?? process.env.GITHUB_ACTIONS === "true",
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
