import type { Case } from "@bn/conformance";
import type { Backend } from "@bn/core";
import { firstFailure, sortedBy } from "../generated/kill.ts";
import { generateLayers } from "./generate.ts";
import type { LayerMutant, LayerType, Params } from "./mutant.ts";
import type { Core, Layer } from "./tools.ts";

/** The functions of core that are replaced, so that one mutant at a time can be planted into the layers of cases. */
export interface Planting {
  readonly core: Pick<Core, "createBatchNorm" | "createBatchNormScale" | "createScale">;
  plant(mutant: LayerMutant | null): void;
}

export function planting(real: Core): Planting {
  let current: LayerMutant | null = null;
  const made =
    <P extends object, L extends Layer>(type: LayerType, create: (params?: P) => L) =>
    (params?: P): L => {
      const mutant = current?.type === type ? current : null;
      const given: Params = { ...params };
      const layer = create(mutant?.params ? (mutant.params(given) as P) : params);
      return mutant?.plant?.(layer) ?? layer;
    };
  return {
    core: {
      createBatchNorm: made("BatchNorm", real.createBatchNorm),
      createBatchNormScale: made("BatchNormScale", real.createBatchNormScale),
      createScale: made("Scale", real.createScale),
    },
    plant(mutant) {
      current = mutant;
    },
  };
}

/** The cases about the results of layers. Cases about exhausted memory or its ownership cannot find these mistakes. */
export function layerCasesOf(all: readonly Case[]): Case[] {
  return all.filter(({ id }) => /^(layers|forward|backward|scale|state)\//.test(id));
}

/**
 * Cases with a dimension beyond `above` come first, and small ones before large ones. Without `above`, cases with a
 * single shape come first.
 */
function ordered(cases: readonly Case[], above: number | undefined): Case[] {
  const rank = ({ id }: Case) => {
    if (above === undefined) return /^(state|scale)\//.test(id) ? 0 : 1;
    const size = Number(/\/(?:outer|channels|inner)-(\d+)\//.exec(id)?.[1] ?? 0);
    return size > above ? size : Number.MAX_VALUE;
  };
  return sortedBy(cases, rank);
}

export interface LayerVerdict {
  readonly mutant: LayerMutant;
  /** The case that failed, or null if the mistake was not found. */
  readonly killedBy: string | null;
}

/** Plants every mutant that `chosen` selects, one after the other. */
export async function judgeLayers(
  { plant }: Planting,
  backend: Backend,
  all: readonly Case[],
  chosen: (mutants: readonly LayerMutant[]) => readonly LayerMutant[],
): Promise<LayerVerdict[]> {
  const verdicts: LayerVerdict[] = [];
  const cases = layerCasesOf(all);
  for (const mutant of chosen(generateLayers())) {
    const own = ordered(
      cases.filter(({ id }) => id.includes(`/${mutant.type}/`) || /^(state|scale)\//.test(id)),
      mutant.above,
    );
    plant(mutant);
    verdicts.push({ mutant, killedBy: (await firstFailure(backend, own))?.id ?? null });
    plant(null);
  }
  return verdicts;
}
