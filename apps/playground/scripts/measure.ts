// Usage: pnpm --filter @bn/playground measure. Measures how fast the built page is on this machine, in Chromium with an
// empty cache. It prints medians over loads of every panel by its own address: bytes as a static host compresses them,
// the first paint, the time until the panel is there and the page answers to input, and the time that tasks of more
// than 50 ms blocked it until then.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { launchBrowser } from "@bn/gpu-setup";
import { buildOnce, DIST, serveBuilt } from "../build/site.ts";
import { READY } from "../test/ready.ts";

const LOADS = 9;

interface Load {
  readonly bytes: number;
  readonly paint: number;
  readonly interactive: number;
  readonly blocked: number;
}

await buildOnce();
const [site, browser] = await Promise.all([serveBuilt(), launchBrowser()]);
const sizes = new Map<string, number>();
const sizeOf = (path: string) => {
  const size = sizes.get(path) ?? gzipSync(readFileSync(join(DIST, path === "/" ? "index.html" : path))).length;
  sizes.set(path, size);
  return size;
};

async function load(panel: string): Promise<Load> {
  const context = await browser.newContext({ serviceWorkers: "block" });
  try {
    const page = await context.newPage();
    const paths = new Set<string>();
    page.on("request", (request) => paths.add(new URL(request.url()).pathname));
    await page.goto(`${site.url}#/${panel}`, { waitUntil: "commit" });
    const times = await page.evaluate(async (selector) => {
      let blocked = 0;
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) blocked += duration - 50;
      }).observe({ type: "longtask", buffered: true });
      while (!document.querySelector(selector)) await new Promise((resolve) => requestAnimationFrame(resolve));
      await new Promise((resolve) => setTimeout(resolve)); // lets pending work run before input is tested
      const interactive = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 300));
      const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN;
      return { paint, interactive, blocked };
    }, READY[panel] ?? "");
    const own = [...paths].filter((path) => !/\.wasm$|^\/(goldens|samples|results)\//.test(path));
    return { bytes: own.reduce((sum, path) => sum + sizeOf(path), 0), ...times };
  } finally {
    await context.close();
  }
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
try {
  process.stdout.write("panel          kB gzip  paint ms  interactive ms (slowest)  blocked ms\n");
  for (const panel of Object.keys(READY)) {
    const loads: Load[] = [];
    for (let i = 0; i < LOADS; i++) loads.push(await load(panel));
    const of = (key: keyof Load) => loads.map((one) => one[key]);
    const cells = [
      (median(of("bytes")) / 1000).toFixed(1).padStart(7),
      median(of("paint")).toFixed(0).padStart(8),
      `${median(of("interactive")).toFixed(0)} (${Math.max(...of("interactive")).toFixed(0)})`.padStart(23),
      median(of("blocked")).toFixed(0).padStart(10),
    ];
    process.stdout.write(`${(panel || "first page").padEnd(14)} ${cells.join("  ")}\n`);
  }
} finally {
  await browser.close();
  await site.close();
}
