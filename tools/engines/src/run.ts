import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { ISOLATED, serve } from "@bn/gpu-setup";
import type { Engine } from "./engines.ts";

export interface EngineRun {
  /** Folders of the packages that the page may import, with what they depend on. */
  readonly roots: readonly string[];
  /** The body of an async function; what it returns must be JSON. */
  readonly code: string;
  /** The headers of every answer. Default: those that isolate the page. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For the browser's process, in addition to this process's. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds to the end of patience. */
  readonly timeout: number;
}

/** What browsers and xvfb-run leave behind lies in the profile. */
const HOMES = ["HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"];

/**
 * Opens a page in a browser of this machine, runs `code` in it and gives what it returns. The page posts its answer to the server
 * that served it, so that the browser needs no driver. Profile, processes and port are gone when this returns.
 *
 * Errors: rejects with what the page threw, or when there is no answer in time, with what the browser wrote.
 */
export async function runInEngine<T>(engine: Engine, { roots, code, headers, env, timeout }: EngineRun): Promise<T> {
  const profile = mkdtempSync(join(tmpdir(), "bn-engine-"));
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const answer = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  answer.catch(() => {}); // it is awaited below, perhaps after it was rejected
  const post = async (request: IncomingMessage, response: ServerResponse) => {
    const { value, error } = JSON.parse(await text(request)) as { value?: T; error?: string };
    response.end();
    if (error === undefined) resolve(value as T);
    else reject(new Error(`${engine.name}: ${error}`));
  };
  const site = await serve(roots, headers ?? ISOLATED, page(code), post);
  // The browser gets a process group of its own: it is many processes, and all of them must be ended. `timeout` ends them if this process cannot.
  const limit = ["--kill-after=3", String(Math.ceil(timeout / 1000) + 10)];
  const child = spawn("timeout", [...limit, ...engine.command(profile, site.url)], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env, ...Object.fromEntries(HOMES.map((name) => [name, profile])) },
  });
  let written = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (data) => (written = (written + data).slice(-4000)));
  const failed = (why: string) => reject(new Error(`${engine.name} ${why}; it wrote: ${written}`));
  child.once("error", (error) => failed(`did not start (${error.message})`));
  child.once("exit", (status) => failed(`ended with status ${status} before it answered`));
  const timer = setTimeout(() => failed(`gave no answer in ${timeout / 1000} s`), timeout);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
    await end(child);
    await site.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** Script of the page: classic, so that an error of syntax in `code` is an answer, too. */
function page(code: string): string {
  return `<script>(async () => {
    let answer;
    try {
      const run = Object.getPrototypeOf(async function () {}).constructor(${JSON.stringify(code).replaceAll("<", "\\u003c")});
      answer = { value: await run() };
    } catch (error) {
      answer = { error: String(error) + "\\n" + (error?.stack ?? "") };
    }
    await fetch("/", { method: "POST", body: JSON.stringify(answer) });
  })();</script>`;
}

/** Asks the group to end, and after three seconds ends it. */
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
    return false; // nobody is left
  }
}
