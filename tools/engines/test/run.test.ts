import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ENGINES, type Engine, missing, runInEngine } from "../src/index.ts";

/** A browser in a few lines of Node: it fetches the page and runs its script. */
const BROWSER = `
  const [url] = process.argv.slice(1);
  const html = await (await fetch(url)).text();
  const script = /<script>(.*)<\\/script>/s.exec(html)[1];
  const real = fetch;
  globalThis.fetch = (path, options) => real(new URL(path, url), options);
  setInterval(() => {}, 1000);
  eval(script);`;

type Opened = Pick<Engine, "name" | "command">;
const fake = (arguments_: (url: string) => string[]): Opened => ({
  name: "Firefox",
  command: (_profile, url) => arguments_(url),
});
const node = fake((url) => [process.execPath, "--input-type=module", "-e", BROWSER, url]);
const run = (engine: Opened, code: string, timeout = 20_000) => runInEngine(engine, { roots: [], code, timeout });
const profiles = () => readdirSync(tmpdir()).filter((name) => name.startsWith("bn-engine-"));

describe("a page that posts its answer", () => {
  it("gives what its code returns, and leaves no profile", async () => {
    const before = profiles();
    expect(await run(node, "return { two: 1 + 1 };")).toEqual({ two: 2 });
    expect(profiles()).toEqual(before);
  });

  it.each([
    ["throws", "throw new TypeError('out of luck');", /TypeError: out of luck/],
    ["has an error of syntax", "return (;", /SyntaxError/],
  ])("rejects where the code %s", async (_what, code, message) => {
    await expect(run(node, code)).rejects.toThrow(message);
  });

  it("rejects in time where there is no answer, and ends the browser", async () => {
    const before = profiles();
    const marker = `bn-engine-test-${process.pid}`;
    const silent = fake(() => [process.execPath, "-e", `process.title; setInterval(() => {}, 1000); // ${marker}`]);
    await expect(run(silent, "", 500)).rejects.toThrow(/gave no answer in 0\.5 s/);
    expect(spawnSync("ps", ["ax", "-o", "args"]).stdout.toString()).not.toContain(marker);
    expect(profiles()).toEqual(before);
  });

  it("rejects at once where the browser ends or cannot start, with what it wrote", async () => {
    const dying = fake(() => [process.execPath, "-e", "console.error('no display'); process.exit(3)"]);
    await expect(run(dying, "")).rejects.toThrow(/ended with status 3 before it answered; it wrote: no display/);
    await expect(
      run(
        fake(() => ["no-such-browser"]),
        "",
      ),
    ).rejects.toThrow(/no-such-browser/);
  });
});

it("names Debian's packages that are missing", () => {
  const path = process.env.PATH;
  const empty = mkdtempSync(join(tmpdir(), "bn-path-"));
  mkdirSync(join(empty, "bin"));
  try {
    process.env.PATH = join(empty, "bin");
    expect(missing(ENGINES[0] as Engine)).toEqual(["firefox-esr"]);
    expect(missing(ENGINES[1] as Engine)).toContain("xvfb");
  } finally {
    process.env.PATH = path;
    rmSync(empty, { recursive: true });
  }
});
