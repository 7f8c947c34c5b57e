import { constants } from "node:os";
import { dirname, join } from "node:path";
import { create } from "webgpu";
import { decompress, unpackedFolder, untar } from "./unpack.ts";

/** The source of the adapter that WebGPU finds in this process. */
export type AdapterSource = "system" | "software";

/** All Dawn instances are kept, because the process crashes if one is garbage-collected while a device lives. */
const instances: GPU[] = [];

/**
 * Makes sure that Dawn (npm `webgpu`) finds an adapter in this process: the machine's own if there is one, otherwise
 * SwiftShader, a software Vulkan driver from an npm package. Call it before the first use of `webgpu`, in each process:
 * worker threads see neither the environment nor the library.
 *
 * Source: the Vulkan loader's VK_DRIVER_FILES. Dawn opens `libvulkan.so.1` by name and finds a library that is already
 * mapped.
 */
export async function setUpAdapter(): Promise<AdapterSource> {
  if (process.platform !== "linux") return "system"; // Metal and Direct3D need no software driver
  const driver = softwareDriver();
  if (process.env.VK_DRIVER_FILES === undefined && isLoadable("libvulkan.so.1") && (await findsAdapter())) {
    return "system";
  }
  process.env.VK_DRIVER_FILES = driver;
  open(join(dirname(driver), "libvulkan.so.1"));
  return "software";
}

/** The file that describes the software driver to the Vulkan loader next to it. */
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

/**
 * Maps a library permanently although it is not a Node add-on. Node reports that as an error, whose text this returns,
 * but keeps the library mapped.
 */
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
