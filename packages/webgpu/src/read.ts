import { BnError } from "@bn/core";
import type { Storage } from "./buffer.ts";
import type { Device } from "./device.ts";
import { nudged } from "./nudge.ts";
import { MAP_MODE_READ } from "./usage.ts";

/**
 * Resolves to the first `length` values of `source`, after all work queued before; rejects with the device's errors.
 */
export async function read(device: Device, source: Storage, length: number): Promise<Float32Array> {
  const { queue, faults, staging } = device;
  const bytes = length * 4;
  const target = staging.take(bytes);
  if (bytes > 0) queue.copy("read", source.raw, target, bytes);
  queue.flush();
  let sound = false;
  try {
    await nudged(device.gpu, target.mapAsync(MAP_MODE_READ, 0, Math.max(4, bytes)));
    const values = new Float32Array(target.getMappedRange(0, Math.max(4, bytes)).slice(0, bytes));
    target.unmap();
    await nudged(device.gpu, faults.settle());
    sound = true;
    return values;
  } catch (error) {
    throw await cause(device, "read", error);
  } finally {
    staging.give(target, sound);
  }
}

/** Resolves when all work queued so far is done; rejects with the device's errors. */
export async function finish(device: Device): Promise<void> {
  device.queue.flush();
  try {
    await nudged(device.gpu, device.gpu.queue.onSubmittedWorkDone());
    await nudged(device.gpu, device.faults.settle());
  } catch (error) {
    throw await cause(device, "finish", error);
  }
}

/** The reason why a wait failed: an earlier device error, the loss of the device, or otherwise the error itself. */
async function cause({ faults }: Device, what: string, error: unknown): Promise<unknown> {
  if (error instanceof BnError) return error;
  await faults.loss();
  try {
    await faults.settle();
  } catch (reported) {
    return reported;
  }
  const message = error instanceof Error ? error.message : String(error);
  return new BnError("ERR_BN_DEVICE", `webgpu ${what}: ${message}`, { cause: error });
}
