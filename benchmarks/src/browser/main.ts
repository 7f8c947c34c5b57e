// `node benchmarks/src/browser/main.ts` compares @bn/webgpu with peers on WebGPU in one headless Chromium, interleaved
// in one run, after every result was checked. See --help.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { launchBrowser, openPage } from "@bn/gpu-setup";
import { Command, Option } from "commander";
import { build } from "esbuild";
import { type Job, OPS, type Op } from "../jobs.ts";
import type { Outcome } from "../measure.ts";
import { installPeers } from "../peers/install.ts";
import { print } from "../report.ts";
import { type Row, rowsOf } from "../row.ts";

const PEERS = fileURLToPath(new URL("../../peers/", import.meta.url));

interface Options {
  op: Op[];
  shape: string;
  peers: boolean;
  rounds: number;
  json?: string;
}

const program = new Command("bench --browser")
  .description(
    "Times @bn/webgpu against other WebGPU libraries in headless Chromium. Data stay on the GPU, the queue is drained, and results are checked first.",
  )
  .addOption(new Option("--op <ops...>", "operations").choices([...OPS]).default(["global+scale", "batch+scale"]))
  .option("--shape <shape>", "channels on axis 1", "8x64x56x56")
  .option("--no-peers", "time @bn only")
  .option("--rounds <n>", "samples per row", Number, 15)
  .option("--json <file>", "write the rows as JSON")
  .addOption(new Option("--browser", "the option that started this program").hideHelp());

async function main({ op, shape, peers, rounds, json }: Options): Promise<void> {
  if (peers) installPeers();
  const folder = mkdtempSync(join(tmpdir(), "bn-bench-"));
  const browser = await launchBrowser();
  const rows: Row[] = [];
  try {
    await bundle(folder, peers);
    const { page, close } = await openPage(browser, [
      folder,
      ...(peers ? [join(PEERS, "node_modules/onnxruntime-web")] : []),
    ]);
    const call = <T>(text: string) => page.evaluate<T>(`import("/bench/page.js").then((bench) => bench.${text})`);
    const adapter = await call<string>(`openAll(${peers})`);
    process.stdout.write(`headless Chromium ${browser.version()}, ${adapter}\n`);
    for (const one of op) {
      const job: Job = { op: one, shape: shape.split("x").map(Number), axis: 1, dtype: "float32" };
      const outcome = await call<Outcome>(`measureHere(${JSON.stringify(job)}, ${rounds})`);
      const found = rowsOf(job, outcome.measured);
      rows.push(...found);
      print(found, outcome.leftOut, "@bn/webgpu");
    }
    await close();
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
  if (json) writeFileSync(json, `${JSON.stringify(rows, null, 1)}\n`);
}

/** Bundles a package `bench` of the page's own code, and of the peers that consist of many files. */
async function bundle(folder: string, peers: boolean): Promise<void> {
  const common = { bundle: true, format: "esm", platform: "browser", target: "es2022", logLevel: "error" } as const;
  const entry = fileURLToPath(new URL("page.ts", import.meta.url));
  await build({
    ...common,
    entryPoints: [entry],
    external: ["node:*", "onnxruntime-node"],
    outfile: join(folder, "page.js"),
  });
  const modules: Readonly<Record<string, string>> = {
    jax: `export * from "@jax-js/jax";`,
    tfjs: `export * from "@tensorflow/tfjs-core"; import "@tensorflow/tfjs-backend-webgpu";`,
  };
  for (const [name, contents] of Object.entries(peers ? modules : {})) {
    await build({ ...common, stdin: { contents, resolveDir: PEERS }, outfile: join(folder, `${name}.js`) });
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "bench", exports: "./page.js" }));
}

await main(program.parse().opts<Options>());
