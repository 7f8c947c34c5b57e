import { setUpAdapter } from "@bn/gpu-setup";
import { createWebGpu } from "@bn/webgpu";
import type { Implementation } from "./implementation.ts";
import { ours } from "./ours.ts";

/** Our backend on WebGPU, or nothing if there is no adapter. Prints the adapter, or the reason, on stderr. */
export async function webgpu(): Promise<Implementation[]> {
  try {
    await setUpAdapter();
    const backend = await createWebGpu();
    process.stderr.write(`@bn/webgpu runs on ${backend.supports.details.adapter}, timed until its queue is empty\n`);
    return [ours(backend)];
  } catch (error) {
    process.stderr.write(`@bn/webgpu is left out: ${error instanceof Error ? error.message : String(error)}\n`);
    return [];
  }
}
