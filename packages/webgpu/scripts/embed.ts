/**
 * Writes src/generated/shaders.ts, which holds every src/kernels/*.wgsl and src/kernels/lib/*.wgsl as a string by name, without
 * comments and indentation. `#include`, `#if` and `#entry` are left in; src/variant.ts decides them for each pipeline.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const kernels = join(import.meta.dirname, "../src/kernels");
const generated = join(import.meta.dirname, "../src/generated");

function source(file: string): string {
  return readFileSync(file, "utf8")
    .split("\n")
    .map((line) => line.replace(/\/\/.*$/, "").trim())
    .filter((line) => line !== "")
    .join("\n");
}

function table(name: string, folder: string): string {
  const entries = readdirSync(folder)
    .filter((file) => file.endsWith(".wgsl"))
    .sort()
    .map(
      (file) => `  ${JSON.stringify(file.slice(0, -".wgsl".length))}: ${JSON.stringify(source(join(folder, file)))},`,
    );
  return `export const ${name} = {\n${entries.join("\n")}\n} as const;\n`;
}

mkdirSync(generated, { recursive: true });
writeFileSync(join(generated, "shaders.ts"), table("SHADERS", kernels) + table("LIBRARY", join(kernels, "lib")));
