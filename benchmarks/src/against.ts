import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Backend, CONTRACT_VERSION } from "@bn/core";
import type { Implementation } from "./implementation.ts";
import { type Core, ours } from "./ours.ts";

interface Package {
  readonly core: Core & { readonly CONTRACT_VERSION: number };
  readonly cpu: { createCpu(): Promise<Backend> };
  readonly wasm: { createWasm(options: { threads: number }): Promise<Backend> };
}

/**
 * cpu and wasm of another checkout, built, in the same run: what a change costs. This checkout is then measured twice, and
 * how far the two differ is the noise. Kernels alone can be compared only within one version of the contract.
 */
export async function against(folder: string, backends: string, threads: number): Promise<Implementation[]> {
  const load = <K extends keyof Package>(name: K): Promise<Package[K]> =>
    import(pathToFileURL(resolve(folder, "packages", name, "dist/index.js")).href);
  const core = await load("core");
  const list: Implementation[] = [];
  const add = async (create: () => Promise<Backend>, again: () => Promise<Backend>) => {
    const [theirs, mine] = [await create(), await again()];
    const before = ours(theirs, `before @bn/${theirs.name}`, core);
    const kernelsToo = core.CONTRACT_VERSION === CONTRACT_VERSION;
    list.push({
      ...before,
      prepare: async (job, inputs) =>
        job.op.startsWith("kernel ") && !kernelsToo ? null : before.prepare(job, inputs),
    });
    list.push(ours(mine, `again @bn/${mine.name}`));
  };
  const names = backends.split(",");
  if (names.includes("cpu")) {
    const [theirs, mine] = [await load("cpu"), await import("@bn/cpu")];
    await add(theirs.createCpu, mine.createCpu);
  }
  if (names.includes("wasm")) {
    const [theirs, mine] = [await load("wasm"), await import("@bn/wasm")];
    for (const count of new Set([1, threads])) {
      await add(
        () => theirs.createWasm({ threads: count }),
        () => mine.createWasm({ threads: count }),
      );
    }
  }
  return list;
}
