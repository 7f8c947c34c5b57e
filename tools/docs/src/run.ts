import { execFile } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Fence, samePrint } from "./fences.ts";
import { ROOT } from "./pages.ts";

/** The folder is inside this package, so that a fence's imports of @bn/* are resolved. */
const FOLDER = fileURLToPath(new URL("../dist/fences/", import.meta.url));
/** A folder next to it, for tests that write their own files. */
export const SCRATCH = fileURLToPath(new URL("../dist/scratch/", import.meta.url));
const PRELUDE = new URL("./mark-output.ts", import.meta.url).href;
/** An adapter for fences about WebGPU: the machine's own, or a software adapter. */
const ADAPTER = import.meta.resolve("@bn/gpu-setup/register");
const require = createRequire(import.meta.url);

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs this Node with `args`. An exit status other than 0 is a result, not an error. */
export function node(args: readonly string[], cwd = ROOT): Promise<Finished> {
  const options = { cwd, maxBuffer: 2 ** 26, env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined } };
  return new Promise((resolve) => {
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) || 1 : 0, stdout, stderr });
    });
  });
}

/** The executable of a development dependency. */
export function bin(dependency: string, path: string): string {
  return join(dirname(require.resolve(`${dependency}/package.json`)), path);
}

/** The folder of a page's fences. */
export function folderOf(page: string): string {
  return join(FOLDER, page.replace(/\.(md|ts)$/, ""));
}

export function fileOf({ page, file }: Fence): string {
  return join(folderOf(page), file);
}

/** Writes all fences to their files. */
export function writeFences(fences: readonly Fence[]): void {
  rmSync(FOLDER, { recursive: true, force: true });
  for (const fence of fences) {
    mkdirSync(dirname(fileOf(fence)), { recursive: true });
    writeFileSync(fileOf(fence), fence.code, { flag: "wx" });
  }
  const common = { allowImportingTsExtensions: true, outDir: "js", noEmit: true, types: ["node", "@webgpu/types"] };
  // JavaScript has no `!`, so it cannot state that an element exists.
  const plain = { ...common, allowJs: true, checkJs: true, noUncheckedIndexedAccess: false };
  const projects = {
    "tsconfig.json": { compilerOptions: common, include: ["**/*.ts"] },
    "tsconfig.js.json": { compilerOptions: plain, include: ["**/*.js", "**/*.mjs"] },
  };
  for (const [file, project] of Object.entries(projects)) {
    writeFileSync(join(FOLDER, file), JSON.stringify({ extends: "../../../../tsconfig.base.json", ...project }));
  }
}

/** The type errors of all fences, one per line, with their places in the page. */
export async function typeErrors(fences: readonly Fence[]): Promise<string[]> {
  const errors: string[] = [];
  for (const project of ["tsconfig.json", "tsconfig.js.json"]) {
    const args = [bin("typescript", "bin/tsc"), "-p", join(FOLDER, project), "--pretty", "false"];
    const { stdout, stderr, code } = await node(args);
    const lines = (stdout + stderr).split("\n").filter((line) => line !== "");
    if (code !== 0 && lines.length === 0) lines.push(`tsc exited with ${code}`);
    errors.push(...lines.map((line) => placed(line, fences)));
  }
  return errors;
}

function placed(line: string, fences: readonly Fence[]): string {
  const parts = /^(.*?)\((\d+),(\d+)\): (.*)$/.exec(line);
  const fence = parts && fences.find((one) => fileOf(one) === join(ROOT, parts[1] ?? ""));
  return parts && fence ? `${fence.page}:${fence.line + Number(parts[2]) - 1}:${parts[3]} ${parts[4]}` : line;
}

/**
 * The cases for the conformance test of a page, enough to show that it runs. All cases would take minutes, and the
 * recipe's have a test of their own.
 */
const SOME_CASES = "memory/|something was judged";

/** Runs a fence with Node, or with vitest if it is a test. Returns the complaint, or null. */
export async function complaintOf(fence: Fence, expected: readonly (string | null)[]): Promise<string | null> {
  const file = fileOf(fence);
  const isTest = file.endsWith(".test.ts");
  const args = isTest
    ? [bin("vitest", "vitest.mjs"), "run", file, "-t", SOME_CASES]
    : ["--import", PRELUDE, "--import", ADAPTER, file];
  const { code, stdout, stderr } = await node(args, folderOf(fence.page));
  if (code !== 0) return `${fence.where} exited with ${code}:\n${stderr || stdout}`;
  if (isTest) return null;
  const printed = stdout.split("\x1e").slice(0, -1);
  if (printed.length !== expected.length) {
    return `${fence.where}: printed ${printed.length} times, expected ${expected.length}:\n${printed.join("")}`;
  }
  const wrong = expected.findIndex((text, i) => text !== null && !samePrint(printed[i] ?? "", text));
  return wrong < 0 ? null : `${fence.where} printed\n${printed[wrong]}expected\n${expected[wrong]}`;
}
