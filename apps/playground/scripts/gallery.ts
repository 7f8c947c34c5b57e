// Usage: pnpm --filter @bn/playground gallery [--webgpu] [--filter TEXT]. Runs the quick suite in Node and, with the
// built page, in this machine's browsers, and writes results/*.json, which the next build shows. WebGPU in software
// takes minutes, so it needs the option.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { jsonText, parseReport } from "@bn/conformance/report";
import { ENGINES, type Engine, missing, personAt } from "@bn/engines";
import { ISOLATED, launchBrowser } from "@bn/gpu-setup";
import { buildOnce, type Site, serveBuilt } from "../build/site.ts";
import { HERE } from "../build/versions.ts";

const { webgpu, filter } = parseArgs({
  options: { webgpu: { type: "boolean", default: false }, filter: { type: "string", default: "" } },
}).values;
const BACKENDS = ["cpu", "wasm", ...(webgpu ? ["webgpu"] : [])];
/** The address of the panel. The filter is for trying out this script. */
const HASH = filter === "" ? "#/conformance" : `#/conformance?filter=${encodeURIComponent(filter)}`;
/** The time limit per browser. */
const SECONDS = 10 * 60;
const RESULTS = join(HERE, "results");
const ROOT = join(HERE, "../..");

function inNode(path: string): void {
  // the file keeps this command
  const order = ["--quick", "--backend", BACKENDS.join(","), "--json", relative(ROOT, path)];
  if (filter !== "") order.push("--filter", filter);
  const { status, stderr } = spawnSync(process.execPath, [...BN, "conformance", ...order], {
    encoding: "utf8",
    cwd: ROOT,
  });
  if (status !== 0) throw new Error(`bn conformance ended with status ${status}: ${stderr}`);
}

const BN = ["--import", join(ROOT, "tools/webgpu/src/register.ts"), join(ROOT, "packages/cli/dist/bin.js")];

async function inChromium(site: Site): Promise<string> {
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage({ acceptDownloads: true });
    await page.goto(`${site.url}${HASH}`);
    for (const name of ["cpu", "wasm", "webgpu"])
      await page.getByLabel(name, { exact: true }).setChecked(BACKENDS.includes(name));
    await page.getByRole("button", { name: /^Run th/ }).click();
    const save = page.getByRole("button", { name: "Download as JSON" });
    await save.waitFor({ timeout: SECONDS * 1000 }).catch(() => page.getByRole("button", { name: "Cancel" }).click());
    const [download] = await Promise.all([page.waitForEvent("download"), save.click()]);
    return readFileSync(await download.path(), "utf8");
  } finally {
    await browser.close();
  }
}

async function inEngine(engine: Engine, site: Site): Promise<string> {
  const driven = await engine.drive({ seconds: SECONDS + 120 });
  try {
    const person = personAt(driven);
    await driven.goto(`${site.url}${HASH}`);
    for (const name of ["cpu", "wasm", "webgpu"]) await person.check(new RegExp(`^${name}$`), BACKENDS.includes(name));
    await person.click("button", /^Run th/);
    // The loop polls, because a wait of minutes would exceed WebKitWebDriver's limit for a script.
    let running = true;
    for (let waited = 0; waited < SECONDS && running; waited += 20) running = await driven.run<boolean>(RUNNING);
    if (running) await person.click("button", /^Cancel/); // the file lists the remaining cases as not run
    await driven.run(`const make = URL.createObjectURL;
      URL.createObjectURL = (blob) => { globalThis.bnSaved = blob; return make.call(URL, blob); };`);
    await person.click("button", /^Download as JSON/);
    return await driven.run<string>("return bnSaved.text();");
  } finally {
    await driven.close();
  }
}

/** Returns, after at most 20 s, whether the run still goes on. */
const RUNNING = `
  for (let waited = 0; waited < 20; waited += 0.2) {
    if (document.querySelector('.verdict:not([data-verdict="running"])')) return false;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return true;`;

/** Leaves out the times of cases, which are half of the file and mean little on another machine. */
function keep(name: string, json: string): void {
  const report = parseReport(name, json);
  const text = jsonText({ ...report, results: report.results.map(({ ms: _, ...result }) => result) });
  writeFileSync(join(RESULTS, `${name}.json`), text);
  const { passed, failed, skipped } = report.summary;
  const kilobytes = Math.ceil(text.length / 1000);
  process.stdout.write(
    `${name}: ${report.run?.runtime}: ${passed} passed, ${failed} failed, ${skipped} skipped; ${kilobytes} kB\n`,
  );
}

await buildOnce();
rmSync(RESULTS, { recursive: true, force: true });
mkdirSync(RESULTS);
const node = join(RESULTS, "node.json");
inNode(node);
keep("node", readFileSync(node, "utf8"));
const site = await serveBuilt(ISOLATED);
try {
  keep("chromium", await inChromium(site));
  for (const engine of ENGINES) {
    const lacking = missing(engine);
    if (lacking.length === 0) keep(engine.name.toLowerCase(), await inEngine(engine, site));
    else process.stdout.write(`${engine.name} is left out: install Debian's ${lacking.join(", ")}\n`);
  }
} finally {
  await site.close();
}
