import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const BN = join(dirname(createRequire(import.meta.url).resolve("@bn/cli/package.json")), "dist/bin.js");

/** The output of `bn diff`, whose exit status is not 0 if there are new failures. */
export function bnDiff(...arguments_: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BN, "diff", ...arguments_], (_error, stdout, stderr) => resolve(stdout + stderr));
  });
}
