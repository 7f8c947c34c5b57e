// `pnpm bench` compares our backends with a copy of the same bytes and with peers, interleaved in one run, after every
// result was checked. See --help.
import { writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import type { Dtype } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { createWasm } from "@bn/wasm";
import { Command, Option } from "commander";
import { against } from "./against.ts";
import { barChart } from "./chart.ts";
import { memoryCopy } from "./copy.ts";
import { curves, type Point } from "./curves.ts";
import type { Implementation } from "./implementation.ts";
import { GEOMETRIES, type Job, KERNELS, type Kernel, OPS, type Op, SHAPES } from "./jobs.ts";
import { kernelTables } from "./kernel-table.ts";
import { onOneRow } from "./kernels.ts";
import { limitsTable, threadsTable } from "./limits.ts";
import { measure } from "./measure.ts";
import { copyOf, copyOfTraffic, ours } from "./ours.ts";
import { installPeers } from "./peers/install.ts";
import { onnxRuntime } from "./peers/onnxruntime.ts";
import { pytorch, versionOfPytorch } from "./peers/pytorch.ts";
import { tfjs } from "./peers/tfjs.ts";
import { print } from "./report.ts";
import { type Row, rowsOf } from "./row.ts";
import { startSecondThread } from "./second-thread.ts";
import { jobsOf, PANELS } from "./sweep.ts";
import { webgpu, webgpuByItsClock } from "./webgpu.ts";

let onThreads: ReturnType<typeof createWasm> | null = null;

/**
 * The wasm backend on several threads, the same for all rows of a run. With two such backends, the helper of one is still
 * awake when that of the other is woken, which then comes to the calling thread's processor and stays there.
 */
function wasmOn(threads: number): ReturnType<typeof createWasm> {
  onThreads ??= createWasm({ threads });
  return onThreads;
}

const OURS: Readonly<Record<string, (threads: number) => Promise<Implementation[]>>> = {
  cpu: async () => [ours(await createCpu())],
  wasm: async (threads) => {
    const one = ours(await createWasm({ threads: 1 }));
    return threads > 1 ? [one, ours(await wasmOn(threads))] : [one];
  },
  webgpu: () => webgpu(),
};

const PEERS: Readonly<Record<string, (options: Options) => Promise<Implementation> | Implementation | null>> = {
  "onnxruntime-node": () => onnxRuntime("onnxruntime-node"),
  "onnxruntime-web": () => onnxRuntime("onnxruntime-web"),
  "tfjs-wasm": () => tfjs("wasm"),
  "tfjs-cpu": () => tfjs("cpu"),
  pytorch: ({ python, peers }) => {
    const version = versionOfPytorch(python);
    if (version !== null) return pytorch(python, version);
    const missing = `${python} cannot import torch; --python names another interpreter`;
    if (peers !== "all") program.error(`--peers pytorch: ${missing}`);
    process.stderr.write(`pytorch is left out: ${missing}\n`);
    return null;
  },
};

interface Options {
  op: Op[];
  kernel?: Kernel[] | true;
  shape?: string[];
  sweep?: true;
  limits?: true;
  against?: string;
  dtype: Dtype;
  threads: number;
  backends: string;
  peers: string;
  python: string;
  rounds: number;
  gpuClock?: true;
  json?: string;
  svg?: string;
}

const program = new Command("bench")
  .description(
    "Times @bn against a copy of the same bytes and against other libraries, in one run. Results are checked first.",
  )
  .addOption(new Option("--op <ops...>", "operations").choices([...OPS]).default([...OPS], "all"))
  .addOption(
    new Option("--kernel [kernels...]", "time kernels instead of operations (without names: all)").choices([
      ...KERNELS,
    ]),
  )
  .option("--shape <shapes...>", "shapes of the table, e.g. 32x64x56x56; with --kernel any outer x channels x inner")
  .option(
    "--sweep",
    "time kernels over rows, channels and sizes on one thread of the first of --backends; --svg draws curves",
  )
  .option(
    "--limits",
    "with --kernel or --sweep: compare each kernel with its limit, derived from one row with as many elements, and two threads with one and with a copy",
  )
  .option(
    "--against <folder>",
    "another built checkout: time its backends too, and ours a second time to show the noise",
  )
  .addOption(new Option("--dtype <dtype>", "element type").choices(["float32", "float64"]).default("float32"))
  .option(
    "--threads <n>",
    "threads of the second wasm row (1: no such row)",
    Number,
    Math.min(availableParallelism(), 4),
  )
  .option("--backends <list>", `of ours: ${Object.keys(OURS).join(",")}`, Object.keys(OURS).join(","))
  .option("--peers <list>", `all, none, or of ${Object.keys(PEERS).join(",")}`, "all")
  .option("--python <program>", "the Python that has PyTorch", "python3")
  .option("--rounds <n>", "samples of each", Number, 9)
  .option(
    "--gpu-clock",
    "@bn/webgpu and its copy alone, by the adapter's clock, so that the host's part does not count",
  )
  .option("--browser", "time WebGPU in headless Chromium instead; see --browser --help")
  .option("--json <file>", "write the rows")
  .option("--svg <file>", "draw the rows");

async function main(options: Options): Promise<void> {
  if (options.sweep) {
    await sweep(options);
    return;
  }
  const kernels = options.kernel === true ? KERNELS : options.kernel;
  const jobs = kernels ? kernelJobs(options, kernels) : layerJobs(options);
  const implementations = await open(options);
  const other = options.limits && options.threads > 1 ? startSecondThread() : null;
  const rows: Row[] = [];
  try {
    for (const job of jobs) {
      const before = other?.roundTrip();
      const { measured, leftOut } = await measure(job, implementations, options.rounds, other?.isDisturbed);
      const after = other?.roundTrip();
      const lineNs = before && after ? ([before, after] as const) : null;
      const found = rowsOf(job, measured, lineNs);
      rows.push(...found);
      print(found, leftOut);
    }
  } finally {
    for (const one of implementations) await one.close();
    await other?.close();
  }
  if (options.kernel) process.stdout.write(`\n${kernelTables(rows)}`);
  if (options.limits) process.stdout.write(`\n${limitsTable(rows)}\n${threadsTable(rows)}`);
  if (options.json) writeFileSync(options.json, `${JSON.stringify(rows, null, 1)}\n`);
  if (options.svg) writeFileSync(options.svg, barChart(rows, `Median ms, shorter is better: ${machine()}`));
}

/** Draws all kernels of one backend over the shapes of the sweep as curves, next to the copy. */
async function sweep({ backends, dtype, rounds, limits, json, svg }: Options): Promise<void> {
  const [create] = named("--backends", OURS, backends.split(",")[0] ?? backends);
  if (create === undefined) return;
  const [own, ...others] = await create(1);
  for (const other of others) await other.close();
  if (own === undefined) return;
  const list = [memoryCopy(), own];
  if (limits && own.name === "@bn/wasm") list.push(onOneRow(await createWasm({ threads: 1 })));
  const rows: Row[] = [];
  const plots = [];
  for (const panel of PANELS) {
    const byName = new Map<string, Point[]>();
    for (const { value, job } of jobsOf(panel, dtype)) {
      const found = rowsOf(job, (await measure(job, list, rounds)).measured);
      for (const { impl, op, nsPerElement } of found) {
        if (impl.startsWith("one row")) continue;
        const name = impl === own.name ? op.slice("kernel ".length) : "copy";
        const points = byName.get(name) ?? [];
        if (points.at(-1)?.x !== value) points.push({ x: value, y: nsPerElement });
        byName.set(name, points);
      }
      rows.push(...found);
      print(found);
    }
    plots.push({ title: panel.title, curves: byName });
  }
  for (const one of list) await one.close();
  if (limits) process.stdout.write(`\n${limitsTable(rows)}`);
  if (json) writeFileSync(json, `${JSON.stringify(rows, null, 1)}\n`);
  if (svg) writeFileSync(svg, curves(plots, `${own.name}, ${dtype}, one thread: ${machine()}`));
}

function machine(): string {
  return `${cpus()[0]?.model.trim() ?? "?"}, Node ${process.versions.node}`;
}

function layerJobs({ shape: wanted, op: ops, dtype }: Options): Job[] {
  const shapes = SHAPES.filter(({ shape }) => !wanted || wanted.includes(shape.join("x")));
  if (shapes.length === 0) {
    program.error(`--shape ${wanted}: expected some of ${SHAPES.map(({ shape }) => shape.join("x")).join(", ")}`);
  }
  return shapes.flatMap(({ shape, axis }) => ops.map((op): Job => ({ op, shape, axis, dtype })));
}

function kernelJobs({ shape: wanted, dtype }: Options, kernels: readonly Kernel[]): Job[] {
  const geometries = wanted?.map((text) => text.split("x").map(Number)) ?? GEOMETRIES;
  for (const [i, dims] of geometries.entries()) {
    if (dims.length !== 3 || !dims.every((dim) => Number.isInteger(dim) && dim > 0)) {
      program.error(`--shape ${wanted?.[i]}: expected outer x channels x inner, e.g. 32x64x3136`);
    }
  }
  return geometries.flatMap((shape) =>
    kernels.map((kernel): Job => ({ op: `kernel ${kernel}`, shape, axis: 1, dtype })),
  );
}

async function open(options: Options): Promise<Implementation[]> {
  const { threads, backends, peers, kernel, against: other, gpuClock } = options;
  if (gpuClock) return webgpuByItsClock();
  const own = named("--backends", OURS, backends);
  const wanted = kernel ? "none" : peers; // peers have no kernels that can be called alone
  const others =
    wanted === "none" ? [] : named("--peers", PEERS, wanted === "all" ? Object.keys(PEERS).join(",") : wanted);
  if (others.length > 0) installPeers();
  const list = [memoryCopy(), copyOf(await createWasm({ threads: 1 }))];
  if (kernel && backends.includes("wasm")) {
    if (threads > 1) list.push(copyOf(await wasmOn(threads)));
    if (threads > 1 && options.limits) list.push(copyOfTraffic(await wasmOn(threads)));
    list.push(onOneRow(await createWasm({ threads: 1 })));
  }
  for (const create of own) list.push(...(await create(threads)));
  if (other) list.push(...(await against(other, backends, threads)));
  for (const create of others) {
    const peer = await create(options);
    if (peer !== null) list.push(peer);
  }
  return list;
}

/** The rows of a table that a list names. */
function named<T>(option: string, table: Readonly<Record<string, T>>, list: string): T[] {
  return list.split(",").map((name) => {
    const row = Object.hasOwn(table, name) ? table[name] : undefined;
    return row ?? program.error(`${option} ${name}: expected some of ${Object.keys(table).join(", ")}`);
  });
}

if (process.argv.includes("--browser")) await import("./browser/main.ts");
else await main(program.parse().opts<Options>());
