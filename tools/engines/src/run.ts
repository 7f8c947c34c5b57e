import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { ISOLATED, serve } from "@bn/gpu-setup";
import type { Engine } from "./engines.ts";
import { startGroup } from "./group.ts";

export interface EngineRun {
  /** The folders of packages that the page may import; their dependencies are included. */
  readonly roots: readonly string[];
  /** The body of an async function. Its result must be JSON. */
  readonly code: string;
  /** The headers of every answer. Default: headers that isolate the page. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Environment variables for the browser's process, in addition to this process's. */
  readonly env?: Readonly<Record<string, string>>;
  /** The time limit in milliseconds. */
  readonly timeout: number;
}

/**
 * Opens a page in a browser of this machine, runs `code` in it and returns its result. The page posts the result to the
 * server that served it, so that the browser needs no driver. Profile, processes and port are released when this
 * returns.
 *
 * Errors: rejects with the error of the page or, if there is no answer in time, with the output of the browser.
 */
export async function runInEngine<T>(
  engine: Pick<Engine, "name" | "command">,
  { roots, code, headers, env, timeout }: EngineRun,
): Promise<T> {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const answer = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  answer.catch(() => {}); // it is awaited below, possibly after it was rejected
  const post = async (request: IncomingMessage, response: ServerResponse) => {
    const { value, error } = JSON.parse(await text(request)) as { value?: T; error?: string };
    response.end();
    if (error === undefined) resolve(value as T);
    else reject(new Error(`${engine.name}: ${error}`));
  };
  const site = await serve(roots, headers ?? ISOLATED, page(code), post);
  const group = startGroup((profile) => engine.command(profile, site.url), Math.ceil(timeout / 1000) + 10, env);
  const { child, written } = group;
  const failed = (why: string) => reject(new Error(`${engine.name} ${why}; it wrote: ${written()}`));
  child.once("error", (error) => failed(`did not start (${error.message})`));
  child.once("exit", (status) => failed(`ended with status ${status} before it answered`));
  const timer = setTimeout(() => failed(`gave no answer in ${timeout / 1000} s`), timeout);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
    await group.end();
    await site.close();
  }
}

/** The page's script is a classic one, so that a syntax error in `code` is reported too. */
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
