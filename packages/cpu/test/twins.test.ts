import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const source = (path: string) => readFileSync(new URL(`../src/kernels/${path}`, import.meta.url), "utf8");
/** Without what says of which type it is: names of arrays, and comments, which derive an error. */
const bare = (text: string) =>
  text
    .replace(/\/\*\*[\s\S]*?\*\/|\/\/.*$/gm, "")
    .replaceAll("Float64Array", "Float32Array")
    .replace(/\s+/g, " ");

// V8 makes a function that has seen two kinds of array several times slower, so each dtype has its own (array-kernels.ts).
// Where nothing else tells them apart they must not drift.
it.each(["normalize", "grad-normalize", "forward", "backward"])("float64/%s.ts is float32's", (kernel) => {
  expect(bare(source(`float64/${kernel}.ts`))).toBe(bare(source(`float32/${kernel}.ts`)));
});
