import type { Backend } from "../backend.ts";
import type { BatchNormSettings } from "../batch-norm-params.ts";
import type { Communicator } from "../communicator/communicator.ts";
import { createScratch } from "../communicator/scratch.ts";
import type { Fail } from "../layer.ts";

/** A layer as its ranks know it. */
export interface Member {
  readonly communicator: Communicator;
  /** Memory for gathered values. It is valid until the next call of any layer of this communicator. */
  readonly gathered: (length: number) => Float64Array;
  /**
   * The layer's label, which is the same on every rank: `BatchNorm "bn1"`, or `BatchNorm #2` for the third layer
   * without a name.
   */
  readonly label: string;
  readonly settings: BatchNormSettings;
  readonly fail: Fail;
}

/** The data that all layers of a communicator share: how many of them have no name, and memory. */
interface Shared {
  unnamed: number;
  readonly gathered: (length: number) => Float64Array;
}

const sharedOf = new WeakMap<Communicator, Shared>();

/** Returns null for a layer without a communicator. */
export function memberOf(type: string, name: string, settings: BatchNormSettings, fail: Fail): Member | null {
  const { communicator } = settings;
  if (communicator === null) return null;
  const shared = sharedOf.get(communicator) ?? { unnamed: 0, gathered: createScratch() };
  sharedOf.set(communicator, shared);
  const label = name === "" ? `${type} #${shared.unnamed++}` : `${type} "${name}"`;
  return { communicator, gathered: shared.gathered, label, settings, fail };
}

/**
 * A layer never waits for the device, so it can synchronise only on a backend whose memory the host sees at once.
 * Errors: `ERR_BN_BACKEND`.
 */
export function checkSynchronises(fail: Fail, backend: Backend): void {
  const { hostVisible } = backend.supports;
  if (hostVisible && backend.kernels.splitMoments) return;
  const why = hostVisible
    ? "has no kernel splitMoments, which merging between ranks needs"
    : "returns its results later, and forward() cannot wait for them";
  fail(
    "setUp",
    `communicator: backend "${backend.name}" ${why}; create this layer's blobs on @bn/cpu or @bn/wasm`,
    "ERR_BN_BACKEND",
  );
}
