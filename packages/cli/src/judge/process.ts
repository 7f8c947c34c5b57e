import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { heapOptions } from "./heap.ts";
import { type Entry, followJournal } from "./journal.ts";
import { MIB, type Order } from "./order.ts";
import { type Printed, printedBy } from "./printed.ts";

export interface Limits {
  /** Seconds to load the module and create the backend, for each case, and for the disposal. */
  readonly timeout: number;
  /** Memory limit of the process in MiB. */
  readonly maxMemory: number;
}

/** How the process of a backend ended. `reason` completes the sentence "The process of the backend ...". */
export interface End {
  readonly how: "done" | "stopped" | "timeout" | "memory" | "ended";
  readonly reason: string;
}

/**
 * Seconds for the start of Node and of our own code. It is long because no module has run yet, and the machine may be
 * busy.
 */
const SECONDS_TO_START = 120;
const MS_BETWEEN_LOOKS = 20;
/** The most milliseconds between two checks that count. If more has passed, this process did not run either. */
const MS_COUNTED = 250;
/** Milliseconds that a process may take to exit after its last message. Then it is killed. */
const MS_TO_EXIT = 300;
/** The exit code of Node when no work is left and a top-level `await` is still pending. */
const NOTHING_LEFT = 13;

const CHILD = fileURLToPath(new URL(`./child${extname(new URL(import.meta.url).pathname)}`, import.meta.url));

/** The processes that end with this one. One listener serves them all, because Node warns at the eleventh. */
const running = new Set<ChildProcess>();
process.once("exit", () => running.forEach(killGroup));

/**
 * Runs one process over `order` to its end. It kills the process if `stop()` says so after an entry, if there was no
 * entry for `timeout` seconds since the module began to load, or if it uses too much memory. It never rejects because
 * of what the process does.
 */
export async function runProcess(
  order: Omit<Order, "journal" | "parent">,
  { timeout, maxMemory }: Limits,
  onEntry: (entry: Entry) => void,
  stop: () => boolean,
): Promise<{ readonly end: End; readonly printed: Printed }> {
  const folder = mkdtempSync(join(tmpdir(), "bn-"));
  const [journal, orders] = [join(folder, "journal"), join(folder, "order.json")];
  writeFileSync(journal, "");
  writeFileSync(orders, JSON.stringify({ ...order, journal, parent: process.pid } satisfies Order));
  const reader = followJournal(journal);
  const child = fork(CHILD, [orders], {
    execArgv: [...process.execArgv, ...heapOptions()],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    detached: true,
  });
  const printed = printedBy(child);
  running.add(child);
  let exited = false;
  const exit = new Promise<void>((resolve) => {
    child.once("exit", resolve).once("error", () => resolve());
  }).then(() => {
    exited = true;
  });
  let end: End | null = null;
  // Milliseconds since the last entry, and whether the first and the last entry have arrived.
  let [quiet, alive, over] = [0, false, false];
  let before = performance.now();
  const look = () => {
    const now = performance.now();
    quiet += Math.min(now - before, MS_COUNTED);
    before = now;
    for (const entry of reader.read()) {
      [quiet, alive] = [0, true];
      if (entry.type === "done") over = true;
      onEntry(entry);
      if (entry.type === "begin") end ??= memoryEnd(entry.rss, maxMemory);
    }
  };
  try {
    while (!exited && end === null) {
      await Promise.race([exit, setTimeout(MS_BETWEEN_LOOKS)]);
      look();
      if (stop()) end = { how: "stopped", reason: "was stopped" };
      else if (over && quiet > MS_TO_EXIT) end = { how: "done", reason: "" };
      else if (!over) end ??= timeoutEnd(quiet, timeout, alive) ?? memoryEnd(residentOf(child.pid), maxMemory);
    }
    killGroup(child);
    await exit;
    look();
    return { end: over ? { how: "done", reason: "" } : (end ?? endOf(child)), printed: await printed.all() };
  } catch (error) {
    // The journal is unreadable only if some other code wrote into it.
    const why = error instanceof Error ? error.message : String(error);
    return {
      end: { how: "ended", reason: `wrote a report that cannot be read: ${why}` },
      printed: await printed.all(),
    };
  } finally {
    killGroup(child);
    running.delete(child);
    reader.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Kills the process and everything that it started. */
function killGroup(child: ChildProcess): void {
  try {
    process.kill(-(child.pid as number), "SIGKILL");
  } catch {
    child.kill("SIGKILL"); // no process groups on this system, or no process left
  }
}

function endOf({ exitCode, signalCode }: ChildProcess): End {
  if (signalCode !== null) return { how: "ended", reason: `was ended by ${signalCode}` };
  if (exitCode === null) return { how: "ended", reason: "could not be started" };
  if (exitCode === NOTHING_LEFT) {
    return { how: "ended", reason: "waited for a promise that nothing could settle any more (exit code 13)" };
  }
  return { how: "ended", reason: `exited with code ${exitCode}` };
}

function timeoutEnd(quiet: number, timeout: number, alive: boolean): End | null {
  const seconds = alive ? timeout : Math.max(timeout, SECONDS_TO_START);
  if (quiet <= seconds * 1000) return null;
  const did = alive ? "did not finish" : "was not ready to load the module";
  const cure = alive ? "--timeout" : "--timeout raises this limit; the machine may be busy";
  return { how: "timeout", reason: `${did} within ${seconds} s (${cure})` };
}

function memoryEnd(bytes: number | null, allowed: number): End | null {
  if (bytes === null || bytes <= allowed * MIB) return null;
  const took = Math.round(bytes / MIB);
  return { how: "memory", reason: `used ${took} MiB of memory, the limit is ${allowed} (--max-memory)` };
}

/** The bytes that a process uses, on Linux. On other systems the process itself reports them before each case. */
function residentOf(pid: number | undefined): number | null {
  if (process.platform !== "linux") return null;
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kib === undefined ? null : Number(kib) * 1024;
  } catch {
    return null; // the process has ended
  }
}
