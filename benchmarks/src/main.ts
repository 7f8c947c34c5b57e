// `pnpm bench`: ours against a copy of the same bytes and against peers, interleaved in one run, after every result was
// checked. See --help.
import { writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import type { Dtype } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { createWasm } from "@bn/wasm";
import { Command, Option } from "commander";
import { barChart } from "./chart.ts";
import { memoryCopy } from "./copy.ts";
import { type Implementation, PLAIN_SUMS, type Prepared } from "./implementation.ts";
import { bytesOf, inputsOf, type Job, OPS, type Op, SHAPES } from "./jobs.ts";
import { copyOf, ours } from "./ours.ts";
import { installPeers } from "./peers/install.ts";
import { onnxRuntime } from "./peers/onnxruntime.ts";
import { tfjs } from "./peers/tfjs.ts";
import { type Timing, timeInterleaved } from "./time.ts";
import { complaint } from "./truth.ts";
import { webgpu } from "./webgpu.ts";

/** A line of the report. */
export interface Row extends Timing {
  readonly op: Op;
  readonly shape: readonly number[];
  readonly dtype: Dtype;
  readonly impl: string;
  readonly threads: number;
  readonly gbPerS: number;
  /** Median over the median of one memory.copy of x. */
  readonly ratioToCopy: number;
}

const OURS: Readonly<Record<string, (threads: number) => Promise<Implementation[]>>> = {
  cpu: async () => [ours(await createCpu())],
  wasm: async (threads) => {
    const one = ours(await createWasm({ threads: 1 }));
    return threads > 1 ? [one, ours(await createWasm({ threads }))] : [one];
  },
  webgpu: () => webgpu(),
};

const PEERS: Readonly<Record<string, () => Promise<Implementation>>> = {
  "onnxruntime-node": () => onnxRuntime("onnxruntime-node"),
  "onnxruntime-web": () => onnxRuntime("onnxruntime-web"),
  "tfjs-wasm": () => tfjs("wasm"),
  "tfjs-cpu": () => tfjs("cpu"),
};

interface Options {
  op: Op[];
  shape?: string[];
  dtype: Dtype;
  threads: number;
  backends: string;
  peers: string;
  rounds: number;
  json?: string;
  svg?: string;
}

const program = new Command("bench")
  .description("Times @bn against a copy of the same bytes and against peers, in one run, results checked first.")
  .addOption(new Option("--op <ops...>", "operations").choices([...OPS]).default([...OPS], "all"))
  .option("--shape <shapes...>", "shapes of the table, e.g. 32x64x56x56; all by default")
  .addOption(new Option("--dtype <dtype>", "element type").choices(["float32", "float64"]).default("float32"))
  .option(
    "--threads <n>",
    "threads of the second wasm row; 1 leaves it out",
    Number,
    Math.min(availableParallelism(), 4),
  )
  .option("--backends <list>", `of ours: ${Object.keys(OURS).join(",")}`, Object.keys(OURS).join(","))
  .option("--peers <list>", `all, none, or of ${Object.keys(PEERS).join(",")}`, "all")
  .option("--rounds <n>", "samples of each", Number, 9)
  .option("--browser", "WebGPU in headless Chromium instead; --browser --help tells its options")
  .option("--json <file>", "write the rows")
  .option("--svg <file>", "draw the rows");

async function main(options: Options): Promise<void> {
  const shapes = SHAPES.filter(({ shape }) => !options.shape || options.shape.includes(shape.join("x")));
  if (shapes.length === 0) {
    program.error(
      `--shape ${options.shape}: expected some of ${SHAPES.map(({ shape }) => shape.join("x")).join(", ")}`,
    );
  }
  const implementations = await open(options);
  const rows: Row[] = [];
  try {
    for (const { shape, axis } of shapes) {
      for (const op of options.op) {
        const found = await measure({ op, shape, axis, dtype: options.dtype }, implementations, options.rounds);
        rows.push(...found);
        print(found);
      }
    }
  } finally {
    for (const one of implementations) await one.close();
  }
  if (options.json) writeFileSync(options.json, `${JSON.stringify(rows, null, 1)}\n`);
  const machine = `${cpus()[0]?.model.trim() ?? "?"}, Node ${process.versions.node}`;
  if (options.svg) writeFileSync(options.svg, barChart(rows, `Median ms, shorter is better: ${machine}`));
}

async function open({ threads, backends, peers }: Options): Promise<Implementation[]> {
  const own = named("--backends", OURS, backends);
  const others =
    peers === "none" ? [] : named("--peers", PEERS, peers === "all" ? Object.keys(PEERS).join(",") : peers);
  if (others.length > 0) installPeers();
  const list = [memoryCopy(), copyOf(await createWasm({ threads: 1 }))];
  for (const create of own) list.push(...(await create(threads)));
  for (const create of others) list.push(await create());
  return list;
}

/** The rows of a table that a list names. */
function named<T>(option: string, table: Readonly<Record<string, T>>, list: string): T[] {
  return list.split(",").map((name) => {
    const row = Object.hasOwn(table, name) ? table[name] : undefined;
    return row ?? program.error(`${option} ${name}: expected some of ${Object.keys(table).join(", ")}`);
  });
}

async function measure(job: Job, implementations: readonly Implementation[], rounds: number): Promise<Row[]> {
  const inputs = inputsOf(job);
  const ready: { one: Implementation; prepared: Prepared }[] = [];
  try {
    for (const one of implementations) {
      const prepared = await one.prepare(job, inputs);
      if (prepared === null) continue;
      ready.push({ one, prepared });
      await prepared.run();
      const got = await prepared.output();
      const wrong = got && complaint(one, job, inputs, got);
      if (!wrong) continue;
      // Nothing wrong is worth timing. A peer's fault is its own; ours ends the run.
      if (one.tolerance !== PLAIN_SUMS) throw new Error(wrong);
      process.stderr.write(`left out, wrong: ${wrong}\n`);
      ready.pop();
      await prepared.close();
    }
    const timings = await timeInterleaved(
      ready.map(({ prepared }) => prepared),
      { rounds },
    );
    const copy = timings[0] as Timing;
    return ready.map(({ one }, i) => {
      const timing = timings[i] as Timing;
      return {
        op: job.op,
        shape: job.shape,
        dtype: job.dtype,
        impl: one.name,
        threads: one.threads,
        ...timing,
        gbPerS: bytesOf(one.tolerance === 0 ? { ...job, op: "global" } : job) / timing.medianMs / 1e6, // a copy moves two tensors
        ratioToCopy: timing.medianMs / copy.medianMs,
      };
    });
  } finally {
    for (const { prepared } of ready) await prepared.close();
  }
}

function print(rows: readonly Row[]): void {
  const [first] = rows;
  if (!first) return;
  process.stdout.write(`\n${first.op}  [${first.shape.join(", ")}]  ${first.dtype}\n`);
  for (const row of rows) {
    const cells = [
      row.impl.padEnd(20),
      `${row.threads} thread${row.threads > 1 ? "s" : " "}`,
      `${row.medianMs.toFixed(4).padStart(10)} ms (${row.minMs.toFixed(4)} to ${row.maxMs.toFixed(4)})`,
      `${row.gbPerS.toFixed(1).padStart(6)} GB/s`,
      `${row.ratioToCopy.toFixed(2).padStart(6)} x copy`,
    ];
    process.stdout.write(`  ${cells.join("  ")}\n`);
  }
}

if (process.argv.includes("--browser")) await import("./browser/main.ts");
else await main(program.parse().opts<Options>());
