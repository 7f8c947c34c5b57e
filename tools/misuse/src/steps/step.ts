import type { Blob } from "@bn/core";
import type { Snapshot, World } from "../world.ts";

/** One call, what it may change, and what must be true when it succeeded. */
export interface Step {
  readonly name: string;
  readonly call: () => unknown;
  /** Blobs that a success may change. */
  readonly touches?: readonly Blob[];
  /** Words where the result is wrong, or null. May update the model. */
  readonly check?: (before: Snapshot, after: Snapshot) => string | null;
  /** Also after a failure. */
  readonly always?: () => void;
  /** True where nothing may go wrong while there is memory. */
  readonly right?: boolean;
}
/** A step of this kind that the world allows now, or null. */
export type Make = (world: World) => Step | null;

/** What a caller without types may pass. */
export const unchecked = <T>(value: unknown): T => value as T;
