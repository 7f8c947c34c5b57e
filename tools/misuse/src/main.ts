import { createCpu } from "@bn/cpu";
import { createWasm } from "@bn/wasm";
import { createWebGpu } from "@bn/webgpu";
import { misuse } from "./misuse.ts";

/** Usage: `pnpm --filter @bn/misuse misuse BACKEND [STEPS] [SEED]` */
const BACKENDS = {
  cpu: createCpu,
  wasm: () => createWasm({ threads: 1 }),
  "wasm-threads": () => createWasm({ threads: 2 }),
  webgpu: createWebGpu,
};
const [name = "cpu", steps = "100000", seed = "1"] = process.argv.slice(2);
const create = BACKENDS[name as keyof typeof BACKENDS];
if (!create) throw new Error(`unknown backend "${name}", expected ${Object.keys(BACKENDS).join(", ")}`);
const outcome = await misuse(create, Number(steps), Number(seed), (done) => {
  if (done % 10_000 === 0) console.error(`${done} of ${steps} steps`);
});
console.log(`${name}: ${outcome.steps} steps, ${outcome.succeeded} succeeded, no guard changed, no untyped error`);
console.table(Object.fromEntries([...outcome.codes].sort()));
console.table(Object.fromEntries([...outcome.successes].sort()));
