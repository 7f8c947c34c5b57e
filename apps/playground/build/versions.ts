import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

const PACKAGES = [
  "@bn/caffe",
  "@bn/conformance",
  "@bn/core",
  "@bn/cpu",
  "@bn/onnx",
  "@bn/wasm",
  "@bn/webgpu",
  "@tensorflow/tfjs-core",
  "onnxruntime-web",
];

/** The version of each package that is built in. */
export function versions(): Record<string, string> {
  return Object.fromEntries(PACKAGES.map((name) => [name, manifestOf(name).version as string]));
}

/** The folder of a package that this one depends on. */
export function folderOf(name: string): string {
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      readFileSync(join(folder, name, "package.json"));
      return join(folder, name);
    } catch {} // the package may be in the next folder
  }
  throw new Error(`${name} is not installed; run \`npx -y pnpm@12.18.0 install\``);
}

function manifestOf(name: string): { version?: unknown } {
  return JSON.parse(readFileSync(join(folderOf(name), "package.json"), "utf8"));
}

export const HERE: string = dirname(import.meta.dirname);
