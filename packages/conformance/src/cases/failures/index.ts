import type { Backend, Blob, Dtype, HostArray } from "@bn/core";
import type { Case, Comparison } from "../../case.ts";
import { exactly } from "../../truth/exact.ts";
import { DTYPES } from "../data.ts";
import { withScope } from "../layer-kit.ts";
import { failing } from "./failing.ts";
import { CALLS, type Scene, SETTINGS, sceneOf } from "./scenes.ts";

/**
 * L-1: memory runs out at every place where a call requests some. Nothing may have changed then, and the call can be
 * repeated.
 */
export function failureCases(): Case[] {
  return DTYPES.flatMap((dtype) =>
    SETTINGS.flatMap((setting) =>
      CALLS.map((call): Case => {
        const id = `failures/${setting.name}/${call}/${dtype}`;
        const scene = (scope: Parameters<typeof sceneOf>[0]) => sceneOf(scope, setting, call, dtype, id);
        return {
          id,
          group: "memory",
          clause: "L-1",
          needs: { dtype, deterministic: true },
          run: ({ backend }) => memoryEnds(backend, dtype, scene),
        };
      }),
    ),
  );
}

type MakeScene = (scope: Parameters<typeof sceneOf>[0]) => Scene;

async function memoryEnds(real: Backend, dtype: Dtype, scene: MakeScene): Promise<Comparison[]> {
  const { backend, allow } = failing(real);
  /** Runs `use` on a fresh scene that has all memory available. */
  const once = <T>(use: (scene: Scene) => Promise<T>) =>
    withScope(backend, dtype, async (scope) => {
      try {
        return await use(scene(scope));
      } finally {
        allow(Number.POSITIVE_INFINITY);
      }
    });
  const before = await once(({ blobs }) => contents(blobs));
  const after = await once(async ({ blobs, call }) => {
    call();
    return contents(blobs);
  });

  const done: Comparison[] = [];
  for (let calls = 0; ; calls++) {
    const failed = await once(async ({ blobs, call }) => {
      const shapes = blobs.map(({ shape }) => `${shape}`);
      allow(calls);
      if (!endsInMemory(call)) return false;
      allow(Number.POSITIVE_INFINITY);
      const now = blobs.map(({ shape }) => `${shape}`);
      if (`${now}` !== `${shapes}`)
        throw new Error(`out of memory after ${calls} allocations, the call reshaped a blob`);
      // Reading allocates missing buffers, so every second retry skips it.
      if (calls % 2 === 0) done.push(...compare(`after failure ${calls}`, await contents(blobs), before));
      call();
      done.push(...compare(`retried after failure ${calls}`, await contents(blobs), after));
      return true;
    });
    if (!failed) break;
  }
  if (done.length === 0) throw new Error("the call allocates nothing: this case compares nothing");
  return done;
}

/** Whether `call` threw `ERR_BN_MEMORY`. Other errors are rethrown. */
function endsInMemory(call: () => void): boolean {
  try {
    call();
    return false;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_BN_MEMORY") return true;
    throw error;
  }
}

type Contents = readonly (readonly [what: string, values: HostArray])[];

async function contents(blobs: readonly Blob[]): Promise<Contents> {
  const all = await Promise.all(
    blobs.map(async (blob, i) => {
      const [data, diff] = await Promise.all([blob.read(), blob.readDiff()]);
      return [[`blob ${i}`, data] as const, [`blob ${i}.diff`, diff] as const];
    }),
  );
  return all.flat();
}

function compare(when: string, got: Contents, expected: Contents): Comparison[] {
  return got.map(([what, values], i) => exactly(`${what} ${when}`, values, expected[i]?.[1] ?? []));
}
