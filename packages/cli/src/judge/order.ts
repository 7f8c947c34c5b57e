import type { Tier } from "@bn/conformance";

/** The orders for the process of a backend: its only argument, as JSON. */
export interface Order {
  /** The name of a known backend, or the path of a module. */
  readonly spec: string;
  /** The backend's name in results; null for the name that it gives itself. */
  readonly name: string | null;
  readonly journal: string;
  /** The process that reads the journal. */
  readonly parent: number;
  readonly suite: SuiteOptions;
  /** Indices of the cases to run; null to start the backend, report what it supports, and exit. */
  readonly cases: readonly number[] | null;
  /** Whether failed cases are repeated to find out why. */
  readonly diagnose: boolean;
}

/** The options that choose the cases. The same options give the same cases in the same order. */
export interface SuiteOptions {
  readonly goldens?: string | undefined;
  readonly filter?: string | undefined;
  readonly tier: Tier;
  readonly seed: string;
}

export const MIB = 2 ** 20;
