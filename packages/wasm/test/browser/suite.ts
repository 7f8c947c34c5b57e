/** The whole suite, goldens included, for a page or a worker of a browser and for Node. */
import { cases, goldenCases, readGoldens, runCases } from "@bn/conformance";
import type { Supports } from "@bn/core";
import { createWasm } from "@bn/wasm";

export interface SuiteRun {
  readonly isolated: boolean;
  readonly runtime: string;
  readonly supports: Supports;
  /** `<status> <id> <reason>`, one line per case. */
  readonly verdicts: readonly string[];
}

/** `goldens` is the URL of the folder @bn/conformance/goldens. */
export async function runSuite(goldens: string, threads: number): Promise<SuiteRun> {
  const wasm = await createWasm({ threads });
  const { supports } = wasm;
  await wasm.dispose();
  const bytes = async (name: string) => {
    const response = await fetch(goldens + name);
    if (!response.ok) throw new Error(`${goldens}${name}: ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  };
  const all = [...cases({ tier: "quick" }), ...goldenCases(await readGoldens({ bytes }))];
  const results = await runCases("wasm", () => createWasm({ threads }), all);
  return {
    isolated: globalThis.crossOriginIsolated,
    runtime: navigator.userAgent,
    supports,
    verdicts: results.map(({ status, id, reason }) => `${status} ${id} ${reason}`),
  };
}
