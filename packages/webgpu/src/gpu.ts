import { BnError } from "@bn/core";

/** How an adapter is chosen where no device is given. */
export interface AdapterOptions {
  /** Default: the adapter that WebGPU itself prefers. */
  readonly powerPreference?: GPUPowerPreference;
  /** Takes an adapter in software. */
  readonly forceFallbackAdapter?: boolean;
  /** Where adapters come from. Default: `navigator.gpu`; in Node what the package `webgpu` (Dawn) creates. */
  readonly gpu?: GPU;
}

/**
 * Dawn's instance, created once: collected as garbage while a device lives, it would take the process down with it.
 */
let dawn: Promise<GPU> | null = null;

/** Where adapters come from on this runtime. */
async function findGpu(): Promise<GPU> {
  const own = (globalThis.navigator as (Navigator & { readonly gpu?: GPU }) | undefined)?.gpu;
  if (own) return own;
  if (globalThis.process?.versions?.node === undefined) {
    throw unavailable(
      "navigator.gpu is absent: this browser has no WebGPU, or the page is not a secure context (https)",
    );
  }
  dawn ??= createDawn();
  return dawn;
}

async function createDawn(): Promise<GPU> {
  const name = "webgpu"; // a variable, so that bundlers for the browser do not look for the package
  try {
    const { create } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as typeof import("webgpu");
    return create([]);
  } catch (error) {
    dawn = null;
    const why = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw unavailable(`Node has no WebGPU of its own; install the package "webgpu" beside @bn/webgpu (${why})`, error);
  }
}

/** A device of its own with the adapter's largest buffers; `timestamp-query` is on where it can be. */
export async function requestDevice({
  gpu,
  powerPreference,
  forceFallbackAdapter,
}: AdapterOptions): Promise<GPUDevice> {
  const source = gpu ?? (await findGpu());
  const adapter = await source.requestAdapter({
    ...(powerPreference && { powerPreference }),
    ...(forceFallbackAdapter !== undefined && { forceFallbackAdapter }),
  });
  if (!adapter) {
    throw unavailable(
      "requestAdapter() found no adapter; install a graphics driver (on Linux a Vulkan driver, e.g. mesa-vulkan-drivers 25 or later)",
    );
  }
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  try {
    return await adapter.requestDevice({
      label: "bn",
      requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
      requiredFeatures: adapter.features.has("timestamp-query") ? ["timestamp-query"] : [],
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw unavailable(`requestDevice() failed: ${why}`, error);
  }
}

/** Vendor, architecture and description, as far as the adapter tells them. */
export function adapterText({ adapterInfo: { vendor, architecture, description } }: GPUDevice): string {
  return [vendor, architecture, description].filter((part) => part !== "").join(" ") || "unnamed";
}

function unavailable(what: string, cause?: unknown): BnError {
  return new BnError("ERR_BN_UNAVAILABLE", `webgpu: ${what}; or use @bn/wasm or @bn/cpu`, { cause });
}
