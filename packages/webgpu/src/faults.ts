import { BnError } from "@bn/core";

/**
 * What the device reports, later, about calls that returned long ago: kept until a `read()` or `finish()` asks.
 * Error scopes, not the event `uncapturederror`: a borrowed device has errors that are not ours.
 */
export interface Faults {
  /** Runs `call`, which must be synchronous; device errors in it are reported under `label`. */
  watch<T>(label: string, call: () => T): T;
  /** Resolves when every report on calls so far is in; rejects with the first error since the last rejection. */
  settle(): Promise<void>;
  /** Waits a little for news of a loss: it may come after the calls that fail of it. */
  loss(): Promise<void>;
}

const NEWS_OF_LOSS_MS = 100;

export function createFaults(device: GPUDevice): Faults {
  const pending = new Set<Promise<void>>();
  let first: BnError | null = null;
  let lost: BnError | null = null;
  const gone = device.lost.then(({ reason, message }) => {
    lost = new BnError("ERR_BN_DEVICE", lossText(reason, message));
  });

  const listen = (scope: Promise<GPUError | null>, report: (message: string) => BnError) => {
    const done: Promise<void> = scope.then(
      (error) => {
        if (error) first ??= report(error.message);
      },
      () => {}, // the scopes of a lost device: `lost` tells
    );
    pending.add(done);
    done.then(() => pending.delete(done));
  };

  return {
    loss: () => Promise.race([gone, new Promise<void>((resolve) => setTimeout(resolve, NEWS_OF_LOSS_MS))]),
    watch(label, call) {
      device.pushErrorScope("out-of-memory");
      device.pushErrorScope("validation");
      device.pushErrorScope("internal");
      try {
        return call();
      } finally {
        const failed = (message: string) => new BnError("ERR_BN_DEVICE", `webgpu ${label}: ${message}`);
        listen(device.popErrorScope(), failed);
        listen(device.popErrorScope(), failed);
        listen(
          device.popErrorScope(),
          (message) =>
            new BnError(
              "ERR_BN_MEMORY",
              `webgpu ${label}: the device is out of memory (${message}); dispose blobs or split the batch`,
            ),
        );
      }
    },
    async settle() {
      await Promise.all(pending);
      if (lost) throw lost;
      if (first) {
        const error = first;
        first = null;
        throw error;
      }
    },
  };
}

function lossText(reason: string, message: string): string {
  const why = [reason === "destroyed" ? "device.destroy() was called" : "", message].filter(Boolean).join(": ");
  return (
    `webgpu: the device was lost (${why || "no reason given"}) and the contents of its blobs with it; ` +
    "create a new backend with createWebGpu(), and blobs and layers on it"
  );
}
