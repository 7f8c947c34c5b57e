import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";

// A function that has seen two kinds of array becomes several times slower in V8, so each dtype has its own
// (array-kernels.ts). Kernels that need no wider type are written once, for float32.
const ONCE = ["backward", "forward", "global-stats", "grad-normalize", "index", "moving-average", "normalize", "scale"];

it.each(ONCE)("float64/%s.ts is float32's: `vitest run twins -u` writes it again", async (kernel) => {
  const source = await readFile(new URL(`../src/kernels/float32/${kernel}.ts`, import.meta.url), "utf8");
  const text = source
    .replaceAll("Float32Array", "Float64Array")
    .replace("const float32", "const float64")
    // The float32 kernel rounds intermediate results; in float64 they need no rounding.
    .replaceAll("  const { fround } = Math;\n", "")
    .replace(/(?:Math\.)?fround\(((?:[^()]|\([^()]*\))*)\)/g, "$1");
  const head = `/** Generated from float32/${kernel}.ts by test/twins.test.ts, which proves it current. */`;
  await expect(`${head}\n${text}`).toMatchFileSnapshot(`../src/kernels/float64/${kernel}.ts`);
});
