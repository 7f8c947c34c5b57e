import { execFile } from "node:child_process";
import { join } from "node:path";
import { HERE } from "../build/versions.ts";

const BN = join(HERE, "../../packages/cli/dist/bin.js");

/** What `bn diff` prints; it ends with a status of its own where something newly failed. */
export function bnDiff(...arguments_: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BN, "diff", ...arguments_], (_error, stdout, stderr) => resolve(stdout + stderr));
  });
}
