import { closeSync, openSync } from "node:fs";

/**
 * Runs `run` while standard error of the process leads nowhere, because graphics drivers print warnings there,
 * bypassing Node. BN_DRIVER_LOG=1 shows them. Nothing is hidden if the system has no name for an open file, or if
 * standard error is a socket, which Node gives to the processes that it starts.
 */
export async function withoutDriverLog<T>(run: () => Promise<T>): Promise<T> {
  if (process.env.BN_DRIVER_LOG || process.platform === "win32") return run();
  const links = process.platform === "linux" ? "/proc/self/fd" : "/dev/fd";
  let kept: number;
  try {
    kept = openSync(`${links}/2`, "a");
  } catch {
    return run();
  }
  point(2, "/dev/null");
  try {
    return await run();
  } finally {
    point(2, `${links}/${kept}`);
    closeSync(kept);
  }
}

/** A newly opened file gets the lowest free number. */
function point(fd: number, path: string): void {
  closeSync(fd);
  const got = openSync(path, "a");
  if (got !== fd) closeSync(got);
}
