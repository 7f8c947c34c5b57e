import { closeSync, openSync } from "node:fs";

/**
 * Runs `run` while standard error of the process leads nowhere: graphics drivers write what they think of the machine
 * there, past Node. BN_DRIVER_LOG=1 lets them. Where the system has no name for an open file, nothing is hidden:
 * neither where standard error is a socket, which is what Node gives processes that it starts.
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

/** A file that is opened gets the lowest number that is free. */
function point(fd: number, path: string): void {
  closeSync(fd);
  const got = openSync(path, "a");
  if (got !== fd) closeSync(got);
}
