import { type Case, cases } from "@bn/conformance";
import type { Backend, DeviceBuffer, HostBuffer } from "@bn/core";
import { over } from "../over.ts";
import { callMutants } from "../strangers/calls.ts";
import { elementMutants } from "../strangers/elements.ts";
import { strangeMemory } from "../strangers/memory.ts";
import { deviceMutants } from "./device.ts";
import { generate, type Mutant } from "./generate.ts";
import { firstFailure, ordered } from "./kill.ts";
import { memoryMutants, type PartsMutant } from "./memory.ts";

/** One mutant that can be judged. */
export interface Trial {
  readonly id: string;
  readonly kind: string;
  /** The id of the case that failed, or null if no case found the mistake. */
  judge(): Promise<string | null>;
}

/** Mistakes made by combination, and those made by somebody who does not know the suite. */
export const SETS = ["generated", "strangers"] as const;
export type MutantSet = (typeof SETS)[number];

/** Cases of memory that create and dispose a second backend, which would be the judged one. They are left out. */
const SECOND = /^memory\/(owns|foreign-buffers|backend-disposal|two-instances)/;

/** All mutants of a backend. Those that change elements need memory that the host sees. */
export function trials(backend: Backend, sets: readonly MutantSet[] = SETS): Trial[] {
  const all = cases({ tier: backend.supports.hostVisible ? "default" : "quick" });
  const large = ({ id }: Case) => Number(id.startsWith("memory/size-"));
  const memory = all
    .filter(({ id }) => id.startsWith("memory/") && !SECOND.test(id))
    .sort((a, b) => large(a) - large(b)); // millions of elements come last
  const judged = async (mutated: Backend, chosen: readonly Case[]) => (await firstFailure(mutated, chosen))?.id ?? null;
  const inKernel =
    <B extends DeviceBuffer>(of: Backend<B>) =>
    ({ id, kind, kernel, hint, dtype, plant }: Mutant<B>): Trial => ({
      id,
      kind,
      judge: () => judged(over(of, { kernels: plant(of) }), ordered(all, kernel, hint, dtype)),
    });
  const ofMemory = ({ id, kind, plant }: PartsMutant): Trial => ({
    id,
    kind,
    judge: () => judged(over(backend, plant(backend)), memory),
  });
  const host = isHostVisible(backend) ? backend : null;
  const made: Trial[] = [];
  if (sets.includes("generated")) {
    if (host) made.push(...generate().map(inKernel(host)));
    made.push(...deviceMutants().map(inKernel(backend)));
    made.push(
      ...memoryMutants()
        .filter(({ id }) => host !== null || Number(/\d+$/.exec(id)?.[0]) < 10_000)
        .map(ofMemory),
    );
  }
  if (sets.includes("strangers") && host) {
    made.push(...[...elementMutants(), ...callMutants()].map(inKernel(host)));
    made.push(...strangeMemory().map(ofMemory));
  }
  return made;
}

function isHostVisible(backend: Backend): backend is Backend<HostBuffer & DeviceBuffer> {
  return backend.supports.hostVisible;
}
