import { type AddressInfo, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { startGroup } from "../group.ts";
import { type Driven, type DriveOptions, PATIENCE, sourceOf, WINDOW } from "./driven.ts";

type Send = <T>(method: "GET" | "POST", path: string, body?: object) => Promise<T>;

/** The key that WebDriver's standard gives to an element. */
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

/** Drives WebKitGTK by its WebKitWebDriver, on a display of its own. Source: W3C, WebDriver 2. */
export async function driveWebKit(browser: string, { env, seconds }: DriveOptions): Promise<Driven> {
  const port = await freePort();
  const group = startGroup(() => ["xvfb-run", "-a", "WebKitWebDriver", `--port=${port}`], seconds, env);
  try {
    await listens(port, () => group.child.exitCode === null);
    const options = { binary: browser, args: ["--automation"] };
    const capabilities = { alwaysMatch: { "webkitgtk:browserOptions": options } };
    const { sessionId } = await sender(`http://127.0.0.1:${port}`)<{ sessionId: string }>("POST", "/session", {
      capabilities,
    });
    const send = sender(`http://127.0.0.1:${port}/session/${sessionId}`);
    await send("POST", "/timeouts", { script: PATIENCE, pageLoad: PATIENCE });
    await send("POST", "/window/rect", { x: 0, y: 0, width: WINDOW.width, height: WINDOW.height });
    return driven(send, group.end);
  } catch (error) {
    await group.end();
    throw new Error(`WebKitGTK cannot be driven: ${error}; it wrote: ${group.written()}`);
  }
}

/** The protocol has no events, so the page itself records messages from its start on. */
const LISTEN = `
  const heard = (globalThis.bnHeard = []);
  addEventListener("error", (event) => heard.push(String(event.message)));
  addEventListener("unhandledrejection", (event) => heard.push(String(event.reason)));
  const write = console.error;
  console.error = (...all) => { heard.push(all.join(" ")); write.apply(console, all); };`;

function driven(send: Send, close: () => Promise<void>): Driven {
  const run = async <T>(code: string, args: unknown = null): Promise<T> => {
    const script = `const [args, done] = arguments;
      (async (args) => {${code}\n})(args).then((value) => done({ value: value ?? null }), (error) => done({ error: String(error) }));`;
    const answer = await send<{ value: T; error?: string }>("POST", "/execute/async", { script, args: [args] });
    if (answer.error !== undefined) throw new Error(`in the page: ${answer.error}`);
    return answer.value;
  };
  return {
    run,
    close,
    async goto(url) {
      await send("POST", "/url", { url });
      await run(LISTEN);
    },
    async perform(source) {
      await send("POST", "/actions", { actions: [sourceOf(source)] });
    },
    async choose(selector, paths) {
      const found = await send<Record<string, string>>("POST", "/element", { using: "css selector", value: selector });
      await send("POST", `/element/${found[ELEMENT]}/value`, { text: paths.join("\n") });
    },
    complaints: () => run("return (globalThis.bnHeard ?? []).splice(0);"),
  };
}

function sender(base: string): Send {
  return async <T>(method: "GET" | "POST", path: string, body: object = {}) => {
    const response = await fetch(base + path, {
      method,
      ...(method === "POST" && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
    const { value } = (await response.json()) as { value: T & { error?: string; message?: string } };
    if (!response.ok) throw new Error(`${path}: ${value.error}: ${value.message}`);
    return value;
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listens(port: number, isAlive: () => boolean): Promise<void> {
  for (let waited = 0; waited < 60_000 && isAlive(); waited += 100) {
    const answer = await fetch(`http://127.0.0.1:${port}/status`).catch(() => null);
    if (answer?.ok) return;
    await sleep(100);
  }
  throw new Error("WebKitWebDriver does not listen");
}
