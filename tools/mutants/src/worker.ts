import type { Backend } from "@bn/core";
import { type MutantSet, type Trial, trials } from "./generated/judge.ts";

// One process of kill.ts: judges the mutants whose indices it is sent, one after the other.
const [name = "", sets = ""] = process.argv.slice(2);
const CREATE: Readonly<Record<string, () => Promise<Backend>>> = {
  cpu: async () => (await import("@bn/cpu")).createCpu(),
  wasm: async () => (await import("@bn/wasm")).createWasm({ threads: 1 }),
  async webgpu() {
    await import("@bn/gpu-setup/register");
    return (await import("@bn/webgpu")).createWebGpu();
  },
};
const create = CREATE[name];
if (!create) throw new Error(`--backend ${name}: expected ${Object.keys(CREATE).join(", ")}`);
await using backend = await create();
const all = trials(backend, sets.split(",") as MutantSet[]);
process.send?.(all.map(({ id, kind }) => ({ id, kind })));
for (;;) {
  const [index] = await new Promise<[number]>((resolve) =>
    process.once("message", (message: number) => resolve([message])),
  );
  if (index < 0) break;
  process.send?.({ index, killer: await (all[index] as Trial).judge() });
}
process.disconnect?.();
