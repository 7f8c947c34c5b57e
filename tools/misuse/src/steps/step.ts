import type { Blob } from "@bn/core";
import type { Snapshot, World } from "../world.ts";

/** One call, the blobs that it may change, and the conditions that must hold after a success. */
export interface Step {
  readonly name: string;
  readonly call: () => unknown;
  /** Blobs that a success may change. */
  readonly touches?: readonly Blob[];
  /** Describes what is wrong with the result, or returns null. It may update the model. */
  readonly check?: (before: Snapshot, after: Snapshot) => string | null;
  /** True if the step may fail only for lack of memory. */
  readonly right?: boolean;
}
/** Creates a step of this kind if the world allows one now; otherwise null. */
export type Make = (world: World) => Step | null;

/** A value that a caller without types may pass. */
export const unchecked = <T>(value: unknown): T => value as T;
