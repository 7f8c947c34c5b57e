import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A deliberate mistake in a package.json, with which the rehearsal must fail. */
export interface Fault {
  readonly what: string;
  readonly folder: string;
  readonly from: string;
  readonly to: string;
  /** The complaint that the rehearsal must make; a failure for another reason proves nothing. */
  readonly complaint: RegExp;
}

export const FAULTS: readonly Fault[] = [
  {
    what: "a file is missing: @bn/cpu is published without its kernels",
    folder: "packages/cpu",
    from: '"dist",',
    to: '"dist", "!dist/kernels",',
    complaint: /Cannot find module .*@bn\/cpu\/dist\/kernels\//,
  },
  {
    what: "a data file is missing: @bn/conformance is published without goldens",
    folder: "packages/conformance",
    from: '"goldens",',
    to: "",
    complaint: /goldens: cannot read cases\.json/,
  },
  {
    what: "exports name a file that is not there: @bn/conformance/vitest",
    folder: "packages/conformance",
    from: '"default": "./dist/vitest.js"',
    to: '"default": "./dist/vite.js"',
    complaint: /@bn\/conformance: \.\/dist\/vite\.js, which package\.json names, is missing/,
  },
  {
    what: "a type is missing: @bn/core is published without layer.d.ts",
    folder: "packages/core",
    from: '"dist",',
    to: '"dist", "!dist/layer.d.ts",',
    complaint: /Could not find a declaration file for module '\.\/layer\.ts'/,
  },
];

/** Makes the mistake in the copy. The returned function undoes it. */
export function plant(tree: string, { folder, from, to, what }: Fault): () => void {
  const path = join(tree, folder, "package.json");
  const text = readFileSync(path, "utf8");
  if (text.split(from).length !== 2) throw new Error(`${what}: ${path} does not hold ${from} once`);
  writeFileSync(path, text.replace(from, to));
  return () => writeFileSync(path, text);
}
