import { BnError } from "@bn/core";

/** How an adapter is chosen if no device is given. */
export interface AdapterOptions {
  /** Default: the adapter that WebGPU itself prefers. */
  readonly powerPreference?: GPUPowerPreference;
  /** Use a software adapter. */
  readonly forceFallbackAdapter?: boolean;
  /**
   * The object that adapters are requested from. Default: `navigator.gpu`; in Node the instance that the package
   * `webgpu` (Dawn) creates.
   */
  readonly gpu?: GPU;
}

/**
 * Dawn's instance, created once. It is kept because the process crashes if it is garbage-collected while a device
 * lives.
 */
let dawn: Promise<GPU> | null = null;

/** Finds the object that adapters are requested from on this runtime. */
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
  const name = "webgpu"; // a variable, so that bundlers for the browser do not resolve the package
  try {
    const { create } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as typeof import("webgpu");
    return create([]);
  } catch (error) {
    dawn = null;
    const why = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw unavailable(`Node has no built-in WebGPU; install the package "webgpu" next to @bn/webgpu (${why})`, error);
  }
}

/** Requests a new device with the adapter's largest and most buffers. `timestamp-query` is enabled if the adapter has it. */
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
  const { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage } = adapter.limits;
  try {
    return await adapter.requestDevice({
      label: "bn",
      requiredLimits: { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage },
      requiredFeatures: adapter.features.has("timestamp-query") ? ["timestamp-query"] : [],
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw unavailable(`requestDevice() failed: ${why}`, error);
  }
}

/** The vendor, architecture and description of an adapter, as far as it reports them. */
export function adapterText({ adapterInfo: { vendor, architecture, description } }: GPUDevice): string {
  return [vendor, architecture, description].filter((part) => part !== "").join(" ") || "unnamed";
}

function unavailable(what: string, cause?: unknown): BnError {
  return new BnError("ERR_BN_UNAVAILABLE", `webgpu: ${what}; or use @bn/wasm or @bn/cpu`, { cause });
}
