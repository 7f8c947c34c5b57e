/**
 * Writes src/generated/shaders.ts, which holds every src/kernels/*.wgsl as a string by name, with its `#include`s
 * resolved and without comments. `#if` is left in; src/variant.ts decides it for each pipeline.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const kernels = join(import.meta.dirname, "../src/kernels");
const generated = join(import.meta.dirname, "../src/generated");

function source(file: string): string[] {
  return readFileSync(join(kernels, file), "utf8")
    .split("\n")
    .map((line) => line.replace(/\s*\/\/.*$/, ""))
    .filter((line) => line.trim() !== "")
    .flatMap((line) => (line.startsWith("#include ") ? source(`lib/${line.slice("#include ".length)}.wgsl`) : [line]));
}

const entries = readdirSync(kernels)
  .filter((file) => file.endsWith(".wgsl"))
  .sort()
  .map((file) => `  ${JSON.stringify(file.slice(0, -".wgsl".length))}: ${JSON.stringify(source(file).join("\n"))},`);
mkdirSync(generated, { recursive: true });
writeFileSync(join(generated, "shaders.ts"), `export const SHADERS = {\n${entries.join("\n")}\n} as const;\n`);
