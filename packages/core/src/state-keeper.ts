import type { Backend, Dtype } from "./backend.ts";
import type { Blob } from "./blob.ts";
import { checkOwn } from "./checks.ts";
import { failFor, whereOf } from "./layer.ts";
import {
  type BlobName,
  type CheckedState,
  checkNames,
  checkState,
  type LayerState,
  type Load,
  type LoadableState,
  loadsOf,
  readState,
  writeLoads,
} from "./layer-state.ts";
import type { Memory } from "./memory.ts";
import type { Shape } from "./shape.ts";
import { stampOf } from "./stamps.ts";

/** The parts of a layer after setUp that `state`, `load` and `clearParamDiffs` need. */
interface Kept {
  readonly backend: Backend;
  readonly dtype: Dtype;
  readonly blobs: readonly Blob[];
  readonly params: readonly Memory[];
  readonly shapes: readonly Shape[];
}

/** The part of a layer that handles its blobs outside of forward and backward. It keeps states that wait for setUp. */
export interface StateKeeper {
  /** `names` is null if only setUp knows them. */
  load(given: LoadableState, names: readonly BlobName[] | null, kept: Kept | null): void;
  read(names: readonly BlobName[], kept: Kept | null): Promise<LayerState>;
  clearDiffs(kept: Kept | null): void;
  /** The values that setUp must write, checked against the blobs that it is about to create. */
  loadsFor(names: readonly BlobName[], shapes: readonly Shape[], dtype: Dtype): readonly Load[];
  /** Writes the values. The blobs already have their memory, so this cannot fail. */
  apply(params: readonly Memory[], loads: readonly Load[]): void;
}

export function createStateKeeper(type: string, name: string): StateKeeper {
  let waiting: CheckedState | null = null;
  const fail = failFor(type, name);
  const at = (method: string) => whereOf(type, name, method);
  return {
    load(given, names, kept) {
      const state = checkState(at("load"), type, given);
      if (names !== null) checkNames(at("load"), type, state, names);
      if (kept === null || names === null) {
        waiting = state;
        return;
      }
      checkOwn(fail, "load", kept.params, kept.shapes);
      writeLoads(kept.params, loadsOf(at("load"), state, names, kept.shapes, kept.dtype));
    },
    read(names, kept) {
      if (kept !== null) {
        checkOwn(fail, "state", kept.params, kept.shapes);
        return readState(type, kept.dtype, names, kept.blobs);
      }
      return fail("state", "the layer is not set up; call setUp() first", "ERR_BN_STATE");
    },
    clearDiffs(kept) {
      if (kept === null) return;
      checkOwn(fail, "clearParamDiffs", kept.params, kept.shapes);
      // A diff that was never used is skipped: it will be zero when it is allocated.
      for (const { backend, count, diff } of kept.params) {
        if (diff === null) continue;
        backend.kernels.fill(count, 0, diff);
        stampOf(diff).writes++;
      }
    },
    loadsFor(names, shapes, dtype) {
      if (waiting === null) return [];
      checkNames(at("setUp"), type, waiting, names);
      return loadsOf(at("setUp"), waiting, names, shapes, dtype);
    },
    apply(params, loads) {
      writeLoads(params, loads);
      waiting = null;
    },
  };
}
