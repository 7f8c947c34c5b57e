import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Backend, CONTRACT_VERSION } from "@bn/core";
import { setUpAdapter } from "@bn/gpu-setup";
import type { Implementation } from "./implementation.ts";
import { type Core, ours } from "./ours.ts";

/** The functions that create a backend, by package. Other checkouts have them too. */
const CREATE = { cpu: "createCpu", wasm: "createWasm", webgpu: "createWebGpu" } as const;
type Name = keyof typeof CREATE;
type Module = { readonly [create in (typeof CREATE)[Name]]: (options?: { threads: number }) => Promise<Backend> };

/**
 * Compares with the built backends of another checkout, in the same run, to show the cost of a change. This checkout is
 * measured twice, and the difference of the two is the noise. Kernels of contract version 1 are called in that
 * version's form.
 */
export async function against(folder: string, backends: string, threads: number): Promise<Implementation[]> {
  const load = (name: string) => import(pathToFileURL(resolve(folder, "packages", name, "dist/index.js")).href);
  const core: Core & { readonly CONTRACT_VERSION: number } = await load("core");
  const list: Implementation[] = [];
  for (const name of Object.keys(CREATE) as Name[]) {
    if (!backends.split(",").includes(name)) continue;
    if (name === "webgpu") await setUpAdapter();
    const mine: Module = await import(`@bn/${name}`);
    const theirs: Module = await load(name);
    const options = name === "wasm" ? [...new Set([1, threads])].map((count) => ({ threads: count })) : [undefined];
    for (const one of options) {
      list.push(beforeOf(await theirs[CREATE[name]](one), core));
      list.push(ours(await mine[CREATE[name]](one), { name: `again @bn/${name}` }));
    }
  }
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
