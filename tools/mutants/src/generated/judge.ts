import { cases } from "@bn/conformance";
import type { Backend, DeviceBuffer, HostBuffer } from "@bn/core";
import { deviceMutants } from "./device.ts";
import { generate } from "./generate.ts";
import { firstFailure, ordered, withParts } from "./kill.ts";
import { memoryMutants } from "./memory.ts";

/** One mutant that can be judged. */
export interface Trial {
  readonly id: string;
  readonly kind: string;
  /** The id of the case that failed, or null if no case found the mistake. */
  judge(): Promise<string | null>;
}

/** All mutants of a backend. Those that change elements need memory that the host sees. */
export function trials(backend: Backend): Trial[] {
  const all = cases({ tier: backend.supports.hostVisible ? "default" : "quick" });
  const memory = all.filter(({ id }) => id.startsWith("memory/size-") && Number(/\d+/.exec(id)?.[0]) <= 2 ** 21);
  const judged = async (mutated: Backend, chosen: typeof all) => (await firstFailure(mutated, chosen))?.id ?? null;
  const host = isHostVisible(backend) ? backend : null;
  return [
    ...(host ? generate() : []).map(({ id, kind, kernel, hint, dtype, plant }) => ({
      id,
      kind,
      judge: () =>
        judged(
          withParts(host as Backend<HostBuffer>, { kernels: plant(host as Backend<HostBuffer>) }),
          ordered(all, kernel, hint, dtype),
        ),
    })),
    ...deviceMutants().map(({ id, kind, kernel, hint, plant }) => ({
      id,
      kind,
      judge() {
        const parts = plant(backend);
        const kernels = new Proxy(backend.kernels, {
          get(target, name) {
            const value: unknown = Reflect.get(Object.hasOwn(parts, name) ? parts : target, name);
            return typeof value === "function" ? value.bind(target) : value;
          },
        });
        return judged(withParts(backend, { kernels }), ordered(all, kernel, hint, null));
      },
    })),
    ...memoryMutants()
      .filter(({ id }) => backend.supports.hostVisible || Number(/\d+$/.exec(id)?.[0]) < 10_000)
      .map(({ id, kind, plant }) => ({ id, kind, judge: () => judged(withParts(backend, plant(backend)), memory) })),
  ];
}

function isHostVisible(backend: Backend): backend is Backend<HostBuffer & DeviceBuffer> {
  return backend.supports.hostVisible;
}
