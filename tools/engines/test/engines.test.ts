import { join } from "node:path";
import type { Result } from "@bn/conformance";
import type { Supports } from "@bn/core";
import { describe, expect, it } from "vitest";
import { ENGINES, type Engine, type EngineName, missing, runInEngine } from "../src/index.ts";

const packages = join(import.meta.dirname, "../../../packages");
const ROOTS = ["conformance", "cpu", "wasm", "webgpu"].map((name) => join(packages, name));
/**
 * The time limit of each page. Cases that a slow machine does not reach by then are not run; the run prints how many
 * were.
 */
const SECONDS = Number(process.env.BN_ENGINE_SECONDS ?? 45);
/** "quick", "default" or "full". */
const TIER = process.env.BN_ENGINE_TIER ?? "quick";
/** The milliseconds until a page must have answered, which include its last case and the start of the browser. */
const PATIENCE = 1000 * (SECONDS + 200);

interface Row {
  readonly what: string;
  readonly engines: readonly EngineName[];
  readonly backend: string;
  readonly factory: string;
  readonly options?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** A pattern for ids: WebGPU in software takes seconds for a case with many shapes. */
  readonly only?: string;
  /** Take only every n-th case of the suite. */
  readonly stride?: number;
  readonly expect: (run: Run, engine: EngineName) => void;
}

interface Run {
  readonly agent: string;
  readonly isolated: boolean;
  readonly supports: Supports;
  /** The number of chosen cases, and the results of those that were run. */
  readonly chosen: number;
  readonly results: readonly Pick<Result, "id" | "status" | "reason">[];
  /** The milliseconds that reads of four values took. */
  readonly reads: readonly number[];
}

const BOTH = ["Firefox", "WebKitGTK"] as const;
const threadsAre = (pattern: RegExp) => (run: Run) => expect(run.supports.details.threads).toMatch(pattern);

const ROWS: readonly Row[] = [
  {
    what: "cpu",
    engines: BOTH,
    backend: "cpu",
    factory: "createCpu",
    expect: ({ isolated }) => expect(isolated).toBe(true),
  },
  {
    what: "wasm on threads, where the browser shares memory",
    engines: BOTH,
    backend: "wasm",
    factory: "createWasm",
    options: { threads: 2 },
    expect: (run, engine) => threadsAre(engine === "Firefox" ? /^on: 2$/ : /^off: .*(?!serve the page)/)(run),
  },
  {
    what: "wasm on threads, with the engine's switch for shared memory",
    engines: ["WebKitGTK"],
    backend: "wasm",
    factory: "createWasm",
    options: { threads: 2 },
    env: { JSC_useSharedArrayBuffer: "1" },
    expect: threadsAre(/^on: 2$/),
  },
  {
    what: "wasm on a page that is not isolated",
    engines: BOTH,
    backend: "wasm",
    factory: "createWasm",
    headers: {},
    stride: 10,
    expect: (run) => {
      expect(run.isolated).toBe(false);
      threadsAre(/^off: .*serve the page cross-origin isolated/)(run);
    },
  },
  {
    what: "webgpu",
    engines: ["Firefox"],
    backend: "webgpu",
    factory: "createWebGpu",
    // Firefox does not report that its adapter is a software one, so the sizes for that class are passed.
    options: { tuning: { workgroup: 16, busy: 4, items: 64 } },
    // Cases with a single shape: a sweep over many shapes compiles a pipeline for most of them.
    only: "^(memory/[a-z]|exact/|kernels/[^/]+/[0-9x]+/)[^]*float32$",
    expect: ({ reads }) => {
      // Firefox itself checks for the end of a read every 100 ms, and a read begins right after the previous one has
      // ended.
      expect(Math.min(...reads.slice(1))).toBeLessThan(90);
    },
  },
  {
    what: "webgpu at the ends of float32's range: Mesa's compiler joins factors, which Chromium's driver here does not",
    engines: ["Firefox"],
    backend: "webgpu",
    factory: "createWebGpu",
    options: { tuning: { workgroup: 16, busy: 4, items: 64 } },
    only: "^extremes/(moments|splitMoments)/[^]*float32$",
    expect: () => {},
  },
];

/** Code is text, because vitest would rewrite the imports of a function. */
function codeOf({ backend, factory, options = {}, only = "", stride = 1 }: Row): string {
  return `
    const { cases, runCases } = await import("@bn/conformance");
    const { ${factory}: create } = await import("@bn/${backend}");
    const make = () => create(${JSON.stringify(options)});
    const one = await make();
    const { supports } = one;
    const buffer = one.alloc("float32", 4);
    const reads = [];
    for (let i = 0; i < 11; i++) {
      const started = performance.now();
      await one.read(buffer, 4);
      reads.push(performance.now() - started);
    }
    await one.dispose();
    // Orders cases by a hash of their ids, so that a run that is cut short has reached cases of each kind.
    const hash = (id) => [...id].reduce((h, c) => (Math.imul(h, 31) + c.charCodeAt(0)) | 0, 7) >>> 0;
    const all = cases({ tier: ${JSON.stringify(TIER)} }).sort((a, b) => hash(a.id) - hash(b.id));
    const only = new RegExp(${JSON.stringify(only)});
    const chosen = all.filter(({ id }) => only.test(id)).filter((_, i) => i % ${stride} === 0);
    const stop = new AbortController();
    const end = performance.now() + ${SECONDS * 1000};
    const results = [];
    await runCases("${backend}", make, chosen, {
      signal: stop.signal,
      onResult({ id, status, reason }) {
        results.push({ id, status, reason });
        if (performance.now() > end) stop.abort();
      },
    }).catch((error) => {
      if (!stop.signal.aborted) throw error;
    });
    return {
      agent: navigator.userAgent,
      isolated: crossOriginIsolated,
      supports,
      chosen: chosen.length,
      results,
      reads,
    };`;
}

async function check(engine: Engine, row: Row): Promise<void> {
  const run = await runInEngine<Run>(engine, {
    roots: ROOTS,
    code: codeOf(row),
    timeout: PATIENCE,
    ...(row.headers && { headers: row.headers }),
    ...(row.env && { env: row.env }),
  });
  const of = (status: string) => run.results.filter((result) => result.status === status);
  const left = run.chosen - run.results.length;
  const reads = [...run.reads].sort((a, b) => a - b);
  console.info(
    `${engine.name}, ${row.what}: ${of("passed").length} passed, ${of("skipped").length} skipped, ${left} of ${run.chosen} not reached in ${SECONDS} s; a read takes ${reads[reads.length >> 1]?.toFixed(1)} ms; ${run.agent}`,
  );
  expect(of("failed")).toEqual([]);
  expect(of("passed").length).toBeGreaterThan(0);
  row.expect(run, engine.name);
}

for (const engine of ENGINES) {
  const lacking = missing(engine);
  const why = lacking.length > 0 ? ` (skipped: install Debian's ${lacking.join(", ")})` : "";
  describe.skipIf(lacking.length > 0)(`${engine.name}${why}`, () => {
    it.each(ROWS.filter(({ engines }) => engines.includes(engine.name)))(
      "$what",
      { timeout: PATIENCE + 60_000 },
      (row) => check(engine, row),
    );
  });
}
