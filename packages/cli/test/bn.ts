import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

export const BIN = fileURLToPath(new URL("../dist/bin.js", import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built `bn` as a user does: in another process and another folder. */
export function bn(args: readonly string[], { cwd, env = {} }: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
  return new Promise<Outcome>((resolve) => {
    const options = { cwd, env: { ...process.env, NO_COLOR: "1", ...env }, maxBuffer: 2 ** 28 };
    const child = execFile(process.execPath, [BIN, ...args], options, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

export const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
