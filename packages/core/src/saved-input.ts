import { type Blob, createBlob } from "./blob.ts";

/** The copy of bottom that only an in-place layer needs: its top overwrites what its backward reads. */
export interface SavedInput {
  /** Queues the copy of bottom's data; returns the blob that holds it. */
  save(bottom: Blob): Blob;
  readonly blob: Blob | null;
  dispose(): void;
}

export function createSavedInput(): SavedInput {
  let saved: Blob | null = null;
  return {
    get blob() {
      return saved;
    },
    save(bottom) {
      saved ??= createBlob(bottom.backend, bottom.shape, bottom.dtype);
      saved.reshape(bottom.shape);
      bottom.backend.kernels.copy(bottom.count(), bottom.data, saved.data);
      return saved;
    },
    dispose() {
      saved?.dispose();
      saved = null;
    },
  };
}
