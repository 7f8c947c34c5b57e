import { parseArgs } from "node:util";
import { random } from "@bn/conformance";
import type { Backend } from "@bn/core";
import { trials } from "./generated/judge.ts";

// Plants each generated mistake into a backend, one after the other, and lists those that the suite does not find.
const { values } = parseArgs({
  options: {
    backend: { type: "string", default: "cpu" },
    sample: { type: "string" },
    seed: { type: "string", default: "1" },
    only: { type: "string", default: "" },
  },
});
const CREATE: Readonly<Record<string, () => Promise<Backend>>> = {
  cpu: async () => (await import("@bn/cpu")).createCpu(),
  wasm: async () => (await import("@bn/wasm")).createWasm({ threads: 1 }),
  async webgpu() {
    await import("@bn/gpu-setup/register");
    return (await import("@bn/webgpu")).createWebGpu();
  },
};
const create = CREATE[values.backend];
if (!create) throw new Error(`--backend ${values.backend}: expected ${Object.keys(CREATE).join(", ")}`);
const backend = await create();
const start = performance.now();
const r = random(`mutants ${values.seed}`);
const chosen = trials(backend)
  .filter(({ id }) => id.includes(values.only))
  .map((trial) => ({ trial, at: r.uniform() }))
  .sort((a, b) => (values.sample ? a.at - b.at : 0))
  .slice(0, Number(values.sample ?? Number.POSITIVE_INFINITY))
  .map(({ trial }) => trial);
const kinds = new Set<string>();
const alive: string[] = [];
for (const { id, kind, judge } of chosen) {
  if ((await judge()) === null) alive.push(id);
  else kinds.add(kind);
}
await backend.dispose();
const seconds = ((performance.now() - start) / 1000).toFixed(1);
for (const id of alive) console.log(`survived: ${id}`);
console.log(
  `${values.backend}: ${chosen.length} mutants, ${chosen.length - alive.length} killed, ${kinds.size} kinds of mistake, ${seconds} s`,
);
process.exitCode = alive.length === 0 ? 0 : 1;
