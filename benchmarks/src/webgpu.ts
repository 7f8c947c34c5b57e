import { setUpAdapter } from "@bn/gpu-setup";
import { createWebGpu } from "@bn/webgpu";
import { createGpuClock } from "./gpu-clock.ts";
import type { Implementation } from "./implementation.ts";
import { copyOf, ours } from "./ours.ts";

/** Our backend on WebGPU, or nothing if there is no adapter. Prints the adapter, or the reason, on stderr. */
export async function webgpu(): Promise<Implementation[]> {
  try {
    await setUpAdapter();
    const backend = await createWebGpu();
    process.stderr.write(`@bn/webgpu runs on ${backend.supports.details.adapter}, timed until its queue is empty\n`);
    return [ours(backend)];
  } catch (error) {
    process.stderr.write(`@bn/webgpu is skipped: ${error instanceof Error ? error.message : String(error)}\n`);
    return [];
  }
}

/** The copy and our backend on WebGPU, by the adapter's own clock. Each has a device of its own. */
export async function webgpuByItsClock(): Promise<Implementation[]> {
  await setUpAdapter();
  const [copying, own] = [await createWebGpu(), await createWebGpu()];
  const [copyClock, clock] = [createGpuClock(copying), createGpuClock(own)];
  if (clock === null)
    throw new Error("--gpu-clock: the adapter does not support timestamp-query; leave the option out");
  process.stderr.write(`@bn/webgpu runs on ${own.supports.details.adapter}, timed by its clock\n`);
  return [copyOf(copying, copyClock), ours(own, { clock })];
}
