import { copyFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { softwareDriver } from "./adapter.ts";
import { decompress, unpackedFolder } from "./unpack.ts";

/**
 * Headless Chromium with WebGPU, out of an npm package. It runs on the same driver in software as Node: what it finds
 * on machines with a GPU depends on their sandbox.
 */
export async function launchBrowser(): Promise<Browser> {
  const folder = unpackedFolder("chromium", (target) => {
    writeFileSync(join(target, "chromium"), decompress("chromium.br"), { mode: 0o755 });
    // Chromium looks for the Vulkan loader and driver beside itself only.
    const driver = dirname(softwareDriver());
    for (const file of ["libvulkan.so.1", "libvk_swiftshader.so", "vk_swiftshader_icd.json"]) {
      copyFileSync(join(driver, file), join(target, file));
    }
  });
  return chromium.launch({
    executablePath: join(folder, "chromium"),
    args: ["--enable-unsafe-webgpu", "--no-sandbox"], // the sandbox refuses root, which containers run as
  });
}
