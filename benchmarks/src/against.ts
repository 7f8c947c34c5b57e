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

interface Version1 extends Record<string, unknown> {
  gradNormalize(...operands: unknown[]): void;
  backward(...operands: unknown[]): void;
}

/**
 * cpu and wasm of another checkout, built, in the same run: what a change costs. This checkout is then measured twice, and
 * how far the two differ is the noise. Kernels of contract version 1 are called as that version had them.
 */
export async function against(folder: string, backends: string, threads: number): Promise<Implementation[]> {
  const load = <K extends keyof Package>(name: K): Promise<Package[K]> =>
    import(pathToFileURL(resolve(folder, "packages", name, "dist/index.js")).href);
  const core = await load("core");
  const list: Implementation[] = [];
  const add = async (create: () => Promise<Backend>, again: () => Promise<Backend>) => {
    const [theirs, mine] = [await create(), await again()];
    const name = `before @bn/${theirs.name}`;
    const before = ours(theirs, name, core);
    const kernels = core.CONTRACT_VERSION === CONTRACT_VERSION ? before : ours(asVersion2(theirs), name, core);
    list.push({
      ...before,
      prepare: (job, inputs) => (job.op.startsWith("kernel ") ? kernels : before).prepare(job, inputs),
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

/** Version 1 computed the divisor m itself. */
function asVersion2(backend: Backend): Backend {
  const { gradNormalize, backward, ...kernels } = backend.kernels as unknown as Version1;
  const adapted = {
    ...kernels,
    gradNormalize: (...a: Parameters<Backend["kernels"]["gradNormalize"]>) => {
      const [dy, x, g, stats, eps, affine, sums, , dx] = a;
      gradNormalize(dy, x, g, stats, eps, affine, sums, dx);
    },
    backward: (...a: Parameters<NonNullable<Backend["kernels"]["backward"]>>) => {
      const [dy, x, g, stats, eps, affine, sums, grad, , dx] = a;
      backward(dy, x, g, stats, eps, affine, sums, grad, dx);
    },
  };
  return Object.create(backend, { kernels: { value: adapted } });
}
