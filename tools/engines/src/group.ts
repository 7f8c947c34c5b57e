import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * A program and everything that it starts, with a profile of its own: a browser consists of many processes, and all of
 * them must be ended.
 */
export interface Group {
  readonly child: ChildProcess;
  /** The last part of its output. */
  written(): string;
  /** Asks all processes to end, kills them after three seconds, and removes the profile. */
  end(): Promise<void>;
}

/** Files that browsers and xvfb-run leave behind are in the profile. */
const HOMES = ["HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"];

/** Starts the command with a new profile as its home. `timeout` ends it after `seconds` if this process cannot. */
export function startGroup(
  command: (profile: string) => readonly string[],
  seconds: number,
  env: Readonly<Record<string, string>> = {},
): Group {
  const profile = mkdtempSync(join(tmpdir(), "bn-engine-"));
  const child = spawn("timeout", ["--kill-after=3", String(seconds), ...command(profile)], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env, ...Object.fromEntries(HOMES.map((name) => [name, profile])) },
  });
  let written = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (data) => {
      written = (written + data).slice(-4000);
    });
  return {
    child,
    written: () => written,
    async end() {
      await end(child);
      rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  const group = -child.pid;
  const isAlive = () => signal(group, 0);
  signal(group, "SIGTERM");
  for (let waited = 0; waited < 3000 && isAlive(); waited += 50) await sleep(50);
  signal(group, "SIGKILL");
}

function signal(group: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(group, name);
  } catch {
    return false; // no process is left
  }
}
