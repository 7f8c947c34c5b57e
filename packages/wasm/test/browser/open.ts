/** Pages in headless Chromium that can import the built packages, with the headers that a test needs. */
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
  /** Opens a page. By default its headers make it cross-origin isolated. */
  open(headers?: Readonly<Record<string, string>>): Promise<Opened>;
  /** Runs the suite in a page, on the built files, which its import map names. */
  suiteInPage(opened: Opened, threads: number): Promise<SuiteRun>;
  /** Runs the suite in a worker. It is bundled, because workers have no import map. */
  suiteInWorker(opened: Opened, threads: number): Promise<SuiteRun>;
  close(): Promise<void>;
}

export async function startChromium(): Promise<Chromium> {
  const [inPage, inWorker] = await Promise.all([bundle("suite.ts", [/^@bn\//]), bundle("worker.ts", [])]);
  const browser: Browser = await launchBrowser();
  return {
    open: (headers) => openPage(browser, ROOTS, headers),
    // Scripts are text, here and below, because vitest would rewrite the imports of a function.
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

/** Bundles a module of this folder with all its imports, except for `external` names. */
async function bundle(name: string, external: RegExp[]): Promise<string> {
  const bundler = await rolldown({ input: join(import.meta.dirname, name), external, platform: "browser" });
  const { output } = await bundler.generate({ format: "esm" });
  await bundler.close();
  return output[0].code;
}
