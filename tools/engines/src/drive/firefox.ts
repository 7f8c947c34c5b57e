import { setTimeout as sleep } from "node:timers/promises";
import { type Group, startGroup } from "../group.ts";
import { type Driven, type DriveOptions, sourceOf, WINDOW } from "./driven.ts";

/** The parts of an answer or an event of WebDriver BiDi that are used. */
interface Message {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: string;
  readonly message?: string;
  readonly method?: string;
  readonly params?: { readonly level?: string; readonly text?: string };
}

interface Answer {
  readonly type: "success" | "exception";
  readonly result?: { readonly value?: string };
  readonly exceptionDetails?: { readonly text: string };
}

/** Drives Firefox by WebDriver BiDi, which it supports directly. Source: W3C, WebDriver BiDi. */
export async function driveFirefox(
  command: (profile: string) => readonly string[],
  { env, seconds }: DriveOptions,
): Promise<Driven> {
  const group = startGroup((profile) => [...command(profile), "--remote-debugging-port", "0"], seconds, env);
  try {
    return await connect(group);
  } catch (error) {
    await group.end();
    throw new Error(`Firefox cannot be driven: ${error}; it wrote: ${group.written()}`);
  }
}

async function connect(group: Group): Promise<Driven> {
  const complaints: string[] = [];
  const command = await open(await addressOf(group), ({ params }) => {
    if (params?.level === "error") complaints.push(params.text ?? "an error without a text");
  });
  await command("session.new", { capabilities: {} });
  const { contexts } = await command<{ contexts: { context: string }[] }>("browsingContext.getTree", {});
  const context = contexts[0]?.context;
  await command("session.subscribe", { events: ["log.entryAdded"] });
  await command("browsingContext.setViewport", { context, viewport: WINDOW });
  return {
    close: group.end,
    async goto(url) {
      await command("browsingContext.navigate", { context, url, wait: "complete" });
    },
    async run<T>(code: string, args: unknown = null): Promise<T> {
      const answer = await command<Answer>("script.callFunction", {
        target: { context },
        functionDeclaration: `async (args) => JSON.stringify((await (async (args) => {${code}\n})(JSON.parse(args))) ?? null)`,
        awaitPromise: true,
        arguments: [{ type: "string", value: JSON.stringify(args) }],
        userActivation: true,
      });
      if (answer.type === "exception") throw new Error(`in the page: ${answer.exceptionDetails?.text}`);
      return JSON.parse(answer.result?.value ?? "null") as T;
    },
    async perform(source) {
      await command("input.performActions", { context, actions: [sourceOf(source)] });
    },
    async choose(selector, files) {
      const locator = { type: "css", value: selector };
      const { nodes } = await command<{ nodes: { sharedId: string }[] }>("browsingContext.locateNodes", {
        context,
        locator,
        maxNodeCount: 1,
      });
      const [node] = nodes;
      if (!node) throw new Error(`nothing is at ${selector}`);
      await command("input.setFiles", { context, element: { sharedId: node.sharedId }, files });
    },
    complaints: async () => complaints.splice(0),
  };
}

async function addressOf({ child, written }: Group): Promise<string> {
  for (let waited = 0; waited < 60_000 && child.exitCode === null; waited += 50) {
    const found = /WebDriver BiDi listening on (ws:\S+)/.exec(written())?.[1];
    if (found !== undefined) return `${found}/session`;
    await sleep(50);
  }
  throw new Error("it does not say where it listens");
}

type Command = <T>(method: string, params: object) => Promise<T>;

/** Each command has a number, which its answer repeats. */
async function open(url: string, onEvent: (event: Message) => void): Promise<Command> {
  const socket = new WebSocket(url);
  const waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", () => reject(new Error(`no connection to ${url}`)), { once: true });
  });
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    if (message.id === undefined) return onEvent(message);
    const asked = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error === undefined) asked?.resolve(message.result);
    else asked?.reject(new Error(`${message.error}: ${message.message}`));
  });
  socket.addEventListener("close", () => {
    for (const { reject } of waiting.values()) reject(new Error("the browser ended"));
    waiting.clear();
  });
  let last = 0;
  return <T>(method: string, params: object) => {
    const id = ++last;
    const answer = new Promise<unknown>((resolve, reject) => waiting.set(id, { resolve, reject }));
    socket.send(JSON.stringify({ id, method, params }));
    return answer as Promise<T>;
  };
}
