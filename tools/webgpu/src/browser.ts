import { copyFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { softwareDriver } from "./adapter.ts";
import { decompress, unpackedFolder } from "./unpack.ts";

/**
 * Headless Chromium with WebGPU, from an npm package. It uses the same software driver as Node, because whether it
 * finds a real GPU depends on the machine's sandbox.
 */
export async function launchBrowser(): Promise<Browser> {
  const folder = unpackedFolder("chromium", (target) => {
    writeFileSync(join(target, "chromium"), decompress("chromium.br"), { mode: 0o755 });
    // Chromium looks for the Vulkan loader and driver only in its own folder.
    const driver = dirname(softwareDriver());
    for (const file of ["libvulkan.so.1", "libvk_swiftshader.so", "vk_swiftshader_icd.json"]) {
      copyFileSync(join(driver, file), join(target, file));
    }
  });
  return chromium.launch({
    executablePath: join(folder, "chromium"),
    args: ["--enable-unsafe-webgpu", "--no-sandbox"], // the sandbox refuses root, which containers often use
  });
}
