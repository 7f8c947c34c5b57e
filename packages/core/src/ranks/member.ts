import type { Backend } from "../backend.ts";
import type { BatchNormSettings } from "../batch-norm-params.ts";
import type { Communicator } from "../communicator/communicator.ts";
import type { Fail } from "../layer.ts";

/** A layer as its ranks know it. */
export interface Member {
  readonly communicator: Communicator;
  /** The same on every rank: `BatchNorm "bn1"`, or `BatchNorm #2` for the third layer without a name. */
  readonly label: string;
  readonly settings: BatchNormSettings;
  readonly fail: Fail;
}

/** How many layers without a name each communicator has. */
const unnamed = new WeakMap<Communicator, number>();

/** Null for a layer without a communicator. */
export function memberOf(type: string, name: string, settings: BatchNormSettings, fail: Fail): Member | null {
  const { communicator } = settings;
  if (communicator === null) return null;
  if (name !== "") return { communicator, label: `${type} "${name}"`, settings, fail };
  const number = unnamed.get(communicator) ?? 0;
  unnamed.set(communicator, number + 1);
  return { communicator, label: `${type} #${number}`, settings, fail };
}

/** A layer that waits for nothing can synchronise only what its backend lets it see at once. Errors: `ERR_BN_BACKEND`. */
export function checkSynchronises(fail: Fail, backend: Backend): void {
  const { hostVisible } = backend.supports;
  if (hostVisible && backend.kernels.splitMoments) return;
  const why = hostVisible
    ? "has no kernel splitMoments, and rounded moments cannot be merged"
    : "gives its results later, and forward waits for nothing";
  fail(
    "setUp",
    `communicator: backend "${backend.name}" ${why}; put this layer's blobs on @bn/cpu or @bn/wasm`,
    "ERR_BN_BACKEND",
  );
}
