// `node benchmarks/src/browser/main.ts`: ours on WebGPU against peers on WebGPU in one headless Chromium, interleaved in one
// run, after every result was checked. See --help.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { launchBrowser, openPage } from "@bn/gpu-setup";
import { Command, Option } from "commander";
import { build } from "esbuild";
import { bytesOf, type Job, OPS, type Op } from "../jobs.ts";
import type { Row } from "../main.ts";
import { installPeers } from "../peers/install.ts";
import type { Outcome } from "./page.ts";

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
    "Times @bn/webgpu against WebGPU peers in headless Chromium, data resident, queue drained, checked first.",
  )
  .addOption(new Option("--op <ops...>", "operations").choices([...OPS]).default(["global+scale", "batch+scale"]))
  .option("--shape <shape>", "channels on axis 1", "8x64x56x56")
  .option("--no-peers", "ours alone")
  .option("--rounds <n>", "samples of each", Number, 15)
  .option("--json <file>", "write the rows")
  .addOption(new Option("--browser", "what brought us here").hideHelp());

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
      const outcome = await call<Outcome>(`measure(${JSON.stringify(job)}, ${rounds})`);
      const found = rowsOf(job, outcome);
      rows.push(...found);
      print(found, outcome.leftOut);
    }
    await close();
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
  if (json) writeFileSync(json, `${JSON.stringify(rows, null, 1)}\n`);
}

/** A package `bench` of the page's own code, and of the peers that come in many files. */
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

function rowsOf({ op, shape, dtype, axis }: Job, { measured }: Outcome): Row[] {
  const copy = measured[0]?.timing.medianMs ?? Number.NaN;
  return measured.map(({ impl, isCopy, timing }) => ({
    ...{ op, shape, dtype, impl, threads: 1, ...timing },
    gbPerS: bytesOf({ op: isCopy ? "global" : op, shape, dtype, axis }) / timing.medianMs / 1e6, // a copy moves two tensors
    ratioToCopy: timing.medianMs / copy,
  }));
}

function print(rows: readonly Row[], leftOut: readonly string[]): void {
  const [first] = rows;
  if (!first) return;
  const own = rows.find(({ impl }) => impl === "@bn/webgpu")?.medianMs ?? Number.NaN;
  process.stdout.write(`\n${first.op}  [${first.shape.join(", ")}]  ${first.dtype}\n`);
  for (const { impl, medianMs, minMs, maxMs, gbPerS, ratioToCopy } of rows) {
    const cells = [
      impl.padEnd(23),
      `${medianMs.toFixed(3).padStart(9)} ms (${minMs.toFixed(3)} to ${maxMs.toFixed(3)})`,
      `${gbPerS.toFixed(2).padStart(6)} GB/s`,
      `${ratioToCopy.toFixed(2).padStart(6)} x copy`,
      `${(medianMs / own).toFixed(2).padStart(6)} x @bn/webgpu`,
    ];
    process.stdout.write(`  ${cells.join("  ")}\n`);
  }
  for (const text of leftOut) process.stdout.write(`  left out: ${text.split("\n")[0]}\n`);
}

await main(program.parse().opts<Options>());
