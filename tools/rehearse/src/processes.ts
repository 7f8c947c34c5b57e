import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The process, with all processes that it started, is killed after this number of seconds. */
  readonly seconds?: number;
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

const running = new Set<Child>();

/**
 * Runs a command to its end and returns its standard output. Rejects with all its output if it fails or takes too long.
 */
export function run(
  command: string,
  args: readonly string[],
  { cwd, env, seconds = 120 }: RunOptions,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child: Child = spawn(command, args, {
      cwd,
      env: { ...environment(), ...env },
      // It gets its own process group, so that the processes that it starts are ended with it.
      detached: true,
      // Node's pipes are sockets, and bash treats a socket as a remote login, for which it reads ~/.bashrc first.
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(child);
    let stdout = "";
    let stderr = "";
    let reason = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const timer = setTimeout(() => {
      reason = `took longer than ${seconds} s`;
      end(child);
    }, seconds * 1000);
    const finish = (failure: string) => {
      clearTimeout(timer);
      running.delete(child);
      if (failure === "") return resolve(stdout);
      reject(new Error(`${[command, ...args].join(" ")}\nin ${cwd} ${failure}\n${stdout}${stderr}`.trimEnd()));
    };
    child.once("error", (error) => finish(error.message));
    child.once("close", (code, signal) => {
      finish(reason || (code === 0 ? "" : signal ? `was ended by ${signal}` : `exited with ${code}`));
    });
  });
}

/** Ends every process that `run` started. */
export function endAll(): void {
  for (const child of running) end(child);
}

function end(child: Child): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // it has ended on its own
  }
}

/**
 * The environment without the variables that a package manager sets for its scripts, so that consumers start in a clean
 * shell.
 */
function environment(): Record<string, string | undefined> {
  const own = Object.entries(process.env).filter(
    ([key]) => !/^(p?npm_|PNPM_|INIT_CWD$|NODE_OPTIONS$|NODE_PATH$)/.test(key),
  );
  return { ...Object.fromEntries(own), NO_COLOR: "1", FORCE_COLOR: undefined, CI: "true" };
}
