import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Backend, CONTRACT_VERSION } from "@bn/core";
import { setUpAdapter } from "@bn/gpu-setup";
import type { Implementation } from "./implementation.ts";
import { type Core, ours } from "./ours.ts";

interface Modules {
  readonly cpu: { createCpu(): Promise<Backend> };
  readonly wasm: { createWasm(options: { threads: number }): Promise<Backend> };
  readonly webgpu: { createWebGpu(): Promise<Backend> };
}
type Create<K extends keyof Modules> = (module: Modules[K]) => Promise<Backend>;

const OWN: { readonly [K in keyof Modules]: () => Promise<Modules[K]> } = {
  cpu: () => import("@bn/cpu"),
  wasm: () => import("@bn/wasm"),
  async webgpu() {
    await setUpAdapter();
    return import("@bn/webgpu");
  },
};

/** The function that creates each backend from its package. */
const BACKENDS: { readonly [K in keyof Modules]: (threads: number) => Create<K>[] } = {
  cpu: () => [({ createCpu }) => createCpu()],
  wasm: (threads) =>
    [...new Set([1, threads])].map(
      (count) =>
        ({ createWasm }) =>
          createWasm({ threads: count }),
    ),
  webgpu: () => [({ createWebGpu }) => createWebGpu()],
};

/**
 * Compares with the built backends of another checkout, in the same run, to show the cost of a change. This checkout is
 * measured twice, and the difference of the two is the noise. Kernels of contract version 1 are called in that
 * version's form.
 */
export async function against(folder: string, backends: string, threads: number): Promise<Implementation[]> {
  const load = (name: string) => import(pathToFileURL(resolve(folder, "packages", name, "dist/index.js")).href);
  const core: Core & { readonly CONTRACT_VERSION: number } = await load("core");
  const list: Implementation[] = [];
  const add = async <K extends keyof Modules>(name: K) => {
    const mine = await OWN[name]();
    const theirs: Modules[K] = await load(name);
    for (const create of BACKENDS[name](threads)) {
      list.push(beforeOf(await create(theirs), core));
      list.push(ours(await create(mine), { name: `again @bn/${name}` }));
    }
  };
  const wanted = backends.split(",");
  if (wanted.includes("cpu")) await add("cpu");
  if (wanted.includes("wasm")) await add("wasm");
  if (wanted.includes("webgpu")) await add("webgpu");
  return list;
}

function beforeOf(backend: Backend, core: Core & { readonly CONTRACT_VERSION: number }): Implementation {
  const name = `before @bn/${backend.name}`;
  const layers = ours(backend, { name, core });
  const kernels = core.CONTRACT_VERSION === CONTRACT_VERSION ? layers : ours(asVersion2(backend), { name, core });
  return {
    ...layers,
    prepare: (job, inputs) => (job.op.startsWith("kernel ") ? kernels : layers).prepare(job, inputs),
  };
}

/** In version 1 the kernel computed the divisor m itself. */
function asVersion2(backend: Backend): Backend {
  const { kernels } = backend;
  const adapted: Backend["kernels"] = {
    ...kernels,
    gradNormalize(dy, x, g, stats, eps, affine, sums, _m, dx) {
      Reflect.apply(kernels.gradNormalize, kernels, [dy, x, g, stats, eps, affine, sums, dx]);
    },
    backward(dy, x, g, stats, eps, affine, sums, grad, _m, dx) {
      if (kernels.backward) Reflect.apply(kernels.backward, kernels, [dy, x, g, stats, eps, affine, sums, grad, dx]);
    },
  };
  return Object.create(backend, { kernels: { value: adapted } });
}
