/** Pages in headless Chromium that know the built packages, with the headers that a test is about. */
import { join } from "node:path";
import { launchBrowser, openPage } from "@bn/gpu-setup";
import { rolldown } from "rolldown";
import type { SuiteRun } from "./suite.ts";

const packages = join(import.meta.dirname, "../../..");
const ROOTS = ["conformance", "wasm"].map((name) => join(packages, name));
const GOLDENS = "/@bn/conformance/goldens/";

type Browser = Awaited<ReturnType<typeof launchBrowser>>;
export type Opened = Awaited<ReturnType<typeof openPage>>;

export interface Chromium {
  /** Without headers: a page that is cross-origin isolated. */
  open(headers?: Readonly<Record<string, string>>): Promise<Opened>;
  /** The suite in a page: built files as they are, found by its import map. */
  suiteInPage(opened: Opened, threads: number): Promise<SuiteRun>;
  /** The suite in a worker: bundled, as workers have no import map. */
  suiteInWorker(opened: Opened, threads: number): Promise<SuiteRun>;
  close(): Promise<void>;
}

export async function startChromium(): Promise<Chromium> {
  const [inPage, inWorker] = await Promise.all([bundle("suite.ts", [/^@bn\//]), bundle("worker.ts", [])]);
  const browser: Browser = await launchBrowser();
  return {
    open: (headers) => openPage(browser, ROOTS, headers),
    // Text, here and below: vitest would put its own imports in place of a function's.
    suiteInPage: ({ page }, threads) =>
      page.evaluate<SuiteRun>(`(async () => {
        const url = URL.createObjectURL(new Blob([${JSON.stringify(inPage)}], { type: "text/javascript" }));
        const { runSuite } = await import(url);
        return runSuite(location.origin + "${GOLDENS}", ${threads});
      })()`),
    suiteInWorker: ({ page }, threads) =>
      page.evaluate<SuiteRun>(`new Promise((resolve, reject) => {
        const url = URL.createObjectURL(new Blob([${JSON.stringify(inWorker)}], { type: "text/javascript" }));
        const worker = new Worker(url, { type: "module" });
        worker.onmessage = ({ data }) => (data.failed ? reject(new Error(data.failed)) : resolve(data));
        worker.onerror = ({ message }) => reject(new Error(message ?? "the worker did not start"));
        worker.postMessage({ goldens: location.origin + "${GOLDENS}", threads: ${threads} });
      })`),
    close: () => browser.close(),
  };
}

/** A module of this folder and all that it imports, except for `external` names. */
async function bundle(name: string, external: RegExp[]): Promise<string> {
  const bundler = await rolldown({ input: join(import.meta.dirname, name), external, platform: "browser" });
  const { output } = await bundler.generate({ format: "esm" });
  await bundler.close();
  return output[0].code;
}
