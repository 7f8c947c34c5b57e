import { BnError } from "@bn/core";

/**
 * Errors that the device reports after their calls have returned. They are kept until the next `read()` or `finish()`.
 * Error scopes are used instead of the event `uncapturederror`, because a borrowed device also has errors that other
 * code caused.
 */
export interface Faults {
  /** The number of device errors that are known so far. */
  readonly count: number;
  /**
   * Runs `call`, which must be synchronous. Device errors in it are reported under `label`. `failed` is called with
   * each error, and may return another error to report instead.
   */
  watch<T>(label: string, call: () => T, failed?: (error: BnError) => BnError | undefined): T;
  /**
   * Resolves when every report on the calls so far has arrived; rejects with the first error since the last rejection.
   */
  settle(): Promise<void>;
  /** Waits briefly for the report of a device loss, which may arrive after the errors that it causes. */
  loss(): Promise<void>;
}

const NEWS_OF_LOSS_MS = 100;

export function createFaults(device: GPUDevice): Faults {
  const pending = new Set<Promise<void>>();
  let first: BnError | null = null;
  let lost: BnError | null = null;
  let count = 0;
  const gone = device.lost.then(({ reason, message }) => {
    lost = new BnError("ERR_BN_DEVICE", lossText(reason, message));
    count += 1;
  });

  const listen = (scope: Promise<GPUError | null>, report: (message: string) => BnError) => {
    const done: Promise<void> = scope.then(
      (error) => {
        if (!error) return;
        count += 1;
        const reported = report(error.message);
        first ??= reported;
      },
      () => {}, // a lost device rejects its scopes, and `lost` reports it
    );
    pending.add(done);
    done.then(() => pending.delete(done));
  };

  return {
    loss: () => Promise.race([gone, new Promise<void>((resolve) => setTimeout(resolve, NEWS_OF_LOSS_MS))]),
    get count() {
      return count;
    },
    watch(label, call, told) {
      const tell = (error: BnError) => told?.(error) ?? error;
      device.pushErrorScope("out-of-memory");
      device.pushErrorScope("validation");
      device.pushErrorScope("internal");
      try {
        return call();
      } finally {
        const failed = (message: string) => tell(new BnError("ERR_BN_DEVICE", `webgpu ${label}: ${message}`));
        listen(device.popErrorScope(), failed);
        listen(device.popErrorScope(), failed);
        listen(device.popErrorScope(), (message) =>
          tell(
            new BnError(
              "ERR_BN_MEMORY",
              `webgpu ${label}: the device is out of memory (${message}); dispose blobs or split the batch`,
            ),
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
    `webgpu: the device was lost (${why || "no reason given"}) and the contents of its blobs are gone; ` +
    "create a new backend with createWebGpu(), then its blobs and layers"
  );
}
