import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { launchBrowser } from "@bn/gpu-setup";
import { build, createServer, type InlineConfig, preview } from "vite";
import { backendsOf } from "../roles.ts";
import { demand, install, type Site } from "../site.ts";

/** The result of page/train.js for a backend. */
interface Trial {
  readonly name: string;
  readonly supports: { readonly threads: number; readonly details: Readonly<Record<string, string>> };
  readonly learnt: { readonly gamma: number[]; readonly beta: number[]; readonly dx: number[] };
  readonly results: readonly { readonly id: string; readonly status: string; readonly reason: string }[];
}
type Outcome =
  | { readonly trials: Trial[]; readonly isolated: boolean; readonly processors: number }
  | { readonly error: string };

/** Each of the 30 steps of page/train.js halves the distance, so 2^-30 of it is left, plus some roundings. */
const LEARNT = 1e-4;
const ISOLATION = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
const PAGE = new URL("../../page/", import.meta.url);

/**
 * (c) A page that trains on every backend, in headless Chromium: from Vite's development server, without shared memory,
 * and built, with the headers that allow threads.
 */
export async function trainInBrowser(site: Site): Promise<string> {
  const backends = backendsOf(site);
  const imports = backends.map(({ name, create }) => `import { ${create} } from "${name}";\n`).join("");
  const creators = backends.map(({ create }) => create).join(", ");
  const root = site.folder("browser", {
    "index.html": readFileSync(new URL("index.html", PAGE), "utf8"),
    "train.js": readFileSync(new URL("train.js", PAGE), "utf8"),
    "main.js": `${imports}import { trial } from "./train.js";
try {
  const trials = [];
  for (const create of [${creators}]) trials.push(await trial(create));
  globalThis.outcome = { trials, isolated: crossOriginIsolated, processors: navigator.hardwareConcurrency };
} catch (error) {
  globalThis.outcome = { error: String(error?.stack ?? error) };
}
`,
  });
  await install(root, "@bn/core", "@bn/conformance", ...backends.map(({ name }) => name));
  const config: InlineConfig = { root, configFile: false, logLevel: "silent", build: { target: "es2022" } };

  const browser = await launchBrowser();
  const visit = async (what: string, url: string): Promise<Outcome> => {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(`${what}: ${error.message}`));
    try {
      await page.goto(url);
      const handle = await page.waitForFunction(() => (globalThis as { outcome?: Outcome }).outcome, null, {
        timeout: 150_000,
      });
      return (await handle.jsonValue()) as Outcome;
    } catch (error) {
      throw new Error([`${what}: ${error instanceof Error ? error.message : error}`, ...complaints].join("\n"));
    } finally {
      await page.close();
    }
  };
  try {
    const server = await createServer({ ...config, server: { host: "127.0.0.1", port: 0, hmr: false, watch: null } });
    await server.listen();
    const plain = await visit("vite dev", urlOf(server.httpServer)).finally(() => server.close());
    await build(config);
    const built = await preview({ ...config, preview: { host: "127.0.0.1", port: 0, headers: ISOLATION } });
    const isolated = await visit("vite build", urlOf(built.httpServer)).finally(() => built.close());
    demand([
      ...complaintsOf("vite dev", plain, backends.length),
      ...complaintsOf("vite build", isolated, backends.length),
    ]);
    return [plain, isolated].map(textOf).join("; ");
  } finally {
    await browser.close();
  }
}

function urlOf(server: { address(): AddressInfo | string | null } | null): string {
  const address = server?.address();
  if (typeof address !== "object" || address === null) throw new Error("vite gave its server no port");
  return `http://127.0.0.1:${address.port}/`;
}

function complaintsOf(what: string, outcome: Outcome, expected: number): string[] {
  if ("error" in outcome) return [`${what}: ${outcome.error}`];
  const complaints = outcome.trials.flatMap(({ name, learnt, results, supports }) => {
    const away = [...learnt.gamma.map((value) => value - 2), ...learnt.beta.map((value) => value + 1)];
    const passed = results.filter(({ status }) => status === "passed");
    const threads = outcome.isolated && outcome.processors > 1 ? 2 : 1;
    return [
      ...(away.every((one) => Math.abs(one) < LEARNT)
        ? []
        : [`${name} learnt ${JSON.stringify(learnt)}, expected gamma 2, beta -1`]),
      ...(learnt.dx.every(Number.isFinite) ? [] : [`${name}: bottom's diff is not finite`]),
      ...(passed.length > 0 ? [] : [`${name}: no conformance case passed`]),
      ...results.filter(({ status }) => status === "failed").map(({ id, reason }) => `${name}: ${id}: ${reason}`),
      ...(supports.details.threads !== undefined && supports.threads < threads
        ? [`${name}: threads ${supports.details.threads}`]
        : []),
    ];
  });
  if (outcome.trials.length !== expected)
    complaints.push(`${outcome.trials.length} backends ran, expected ${expected}`);
  return complaints.map((one) => `${what}: ${one}`);
}

function textOf(outcome: Outcome): string {
  if ("error" in outcome) return outcome.error;
  const each = outcome.trials.map(({ name, results, supports }) => {
    const count = results.filter(({ status }) => status === "passed").length;
    return `${name} (${count} cases${supports.threads > 1 ? `, ${supports.threads} threads` : ""})`;
  });
  return `${outcome.isolated ? "built, isolated" : "dev"}: ${each.join(", ")}`;
}
