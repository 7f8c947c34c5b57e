import { constants } from "node:os";
import { dirname, join } from "node:path";
import { create } from "webgpu";
import { decompress, unpackedFolder, untar } from "./unpack.ts";

/** Where the adapter that WebGPU will find in this process comes from. */
export type AdapterSource = "system" | "software";

/** A Dawn instance that is garbage-collected while a device lives takes the process down: keep all. */
const instances: GPU[] = [];

/**
 * Makes sure that Dawn (npm `webgpu`) finds an adapter in this process: the machine's own where it has one, else
 * SwiftShader, a Vulkan driver in software, out of an npm package. Call it before the first use of `webgpu`, in each
 * process: worker threads see neither the environment nor the library.
 *
 * Source: the Vulkan loader's VK_DRIVER_FILES; Dawn opens `libvulkan.so.1` by name and finds what is mapped already.
 */
export async function setUpAdapter(): Promise<AdapterSource> {
  if (process.platform !== "linux") return "system"; // Metal and Direct3D need no driver of ours
  const driver = softwareDriver();
  if (process.env.VK_DRIVER_FILES === undefined && isLoadable("libvulkan.so.1") && (await findsAdapter())) {
    return "system";
  }
  process.env.VK_DRIVER_FILES = driver;
  open(join(dirname(driver), "libvulkan.so.1"));
  return "software";
}

/** The file that describes the driver in software to the Vulkan loader beside it. */
export function softwareDriver(): string {
  const folder = unpackedFolder("swiftshader", (target) => untar(decompress("swiftshader.tar.br"), target));
  return join(folder, "vk_swiftshader_icd.json");
}

async function findsAdapter(): Promise<boolean> {
  const gpu = create([]);
  instances.push(gpu);
  return (await gpu.requestAdapter()) !== null;
}

function isLoadable(library: string): boolean {
  return !open(library).includes("cannot open shared object");
}

/** Maps a library that is no Node add-on for good: Node says so in an error, whose text this gives, and leaves it mapped. */
function open(library: string): string {
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
  const RTLD_NODELETE = 0x1000; // glibc and musl
  try {
    process.dlopen({ exports: {} }, library, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE);
  } catch (error) {
    return String(error);
  }
  return "";
}
