import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The reason why tests under mpirun are skipped, or null if they run. */
export function whyNoMpirun(): string | null {
  const { status } = spawnSync("mpirun", ["--version"], { encoding: "utf8" });
  return status === 0 ? null : "there is no mpirun: install Debian's openmpi-bin";
}

export interface RunOptions {
  /** Let the surviving ranks run on after a rank has ended. */
  readonly recovery?: boolean;
  /** Give each rank a core of its own; there must be enough cores. */
  readonly bind?: boolean;
  /** Milliseconds after which all processes are killed. */
  readonly limit?: number;
}

export interface Run {
  /** mpirun's exit status; null if it was killed at the limit. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `script` of this folder on `ranks` processes. Running as root, or with more ranks than cores, needs options of
 * OpenMPI.
 */
export function mpirun(
  ranks: number,
  script: string,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<Run> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const recovery = options.recovery ? ["--enable-recovery"] : [];
  const place = options.bind ? ["--bind-to", "core"] : ["--oversubscribe", "--bind-to", "none"];
  const flags = [...place, ...recovery, "-n", String(ranks)];
  const env = { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" };
  const child = spawn("mpirun", [...flags, process.execPath, path, ...args], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  return new Promise((resolve, reject) => {
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        output[name] += text;
      });
    }
    // mpirun forwards SIGTERM to its ranks; SIGKILL would leave them running.
    const timer = setTimeout(() => child.kill("SIGTERM"), options.limit ?? 120_000);
    child.on("error", reject);
    child.on("close", (status) => {
      clearTimeout(timer);
      resolve({ status, ...output });
    });
  });
}

/** Runs `script` with a folder as its first argument. Each rank writes one report to it, a `.json` file. */
export async function mpirunReports<T>(
  ranks: number,
  script: string,
  args: readonly string[] = [],
  options: RunOptions = {},
) {
  const folder = mkdtempSync(join(tmpdir(), "bn-mpi-"));
  try {
    const run = await mpirun(ranks, script, [folder, ...args], options);
    const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
    const reports = files.map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as T);
    return { ...run, reports };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
