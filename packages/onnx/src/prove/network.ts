import type { Shape } from "@bn/core";
import type { Layer } from "../fold/layer.ts";
import { BFLOAT16, elementTypes, FLOAT16 } from "../graph/elements.ts";
import type { ReadExternal } from "../graph/external.ts";
import { readModel } from "../graph/load.ts";
import type { Model } from "../graph/proto.ts";
import { upgrade } from "../graph/upgrade.ts";
import type { Tap } from "../verify/extract.ts";
import { inputNames } from "../verify/inputs.ts";
import type { Feed } from "../verify/large.ts";
import { prepare } from "../verify/prepare.ts";
import type { Runtime, Tensor } from "../verify/runtime.ts";
import { createTaps, type Taps } from "../verify/taps.ts";

/** One of the two networks, with its inputs. */
export interface RunNetwork {
  readonly model: Model;
  readonly taps: Taps;
  fetch(taps: readonly Tap[]): Promise<ReadonlyMap<string, Tensor>>;
  /** The network's own outputs, by name. */
  outputs(): Promise<ReadonlyMap<string, Tensor>>;
  /** The number of values of tensors, which are computed but not fetched. */
  sizes(names: readonly string[]): Promise<(name: string) => number>;
}

interface Reads {
  readonly shapes: Readonly<Record<string, Shape>>;
  readonly feeds: Readonly<Record<string, Feed>>;
  readonly seed: string;
  readonly external: ReadExternal | undefined;
  readonly runtime: Runtime;
  readonly signal: AbortSignal | undefined;
  /** True if it may have fewer inputs than are fed. */
  readonly narrower?: boolean;
}

export function openNetwork(
  bytes: Uint8Array,
  { shapes, feeds, runtime, narrower = false, ...given }: Reads,
): RunNetwork {
  const { model } = readModel(bytes);
  const known = new Set(inputNames(bytes));
  const failures = upgrade(model);
  prepare(model);
  // The folded network may read less: an input that only a normalization read is gone.
  const fed = Object.entries(feeds).filter(([name]) => known.has(name) || !narrower);
  const taps = createTaps(model, runtime, {
    ...given,
    shapes: new Map(Object.entries(shapes)),
    feeds: new Map(fed),
    failures,
  });
  const fetch = (some: readonly Tap[]) => {
    const distinct = new Map(some.map((tap) => [tap.name, tap]));
    return distinct.size === 0 ? Promise.resolve(new Map<string, Tensor>()) : taps.fetch([...distinct.values()]);
  };
  return {
    ...{ model, taps, fetch },
    outputs() {
      const typeOf = elementTypes(model);
      return fetch(model.graph.output.map(({ name }): Tap => ({ name, as: asOf(typeOf(name)) })));
    },
    async sizes(names) {
      const found = await fetch(names.map((name) => ({ name, as: "shape" })));
      return (name) => (found.get(name)?.shape ?? []).reduce((a, b) => a * b, 1);
    },
  };
}

/** A tensor next to a layer, in the precision that the layer computes in. */
export function tapOf(name: string, { values }: Layer): Tap {
  return { name, as: values.narrow === null ? "value" : "float32" };
}

function asOf(elementType: number | undefined): Tap["as"] {
  return elementType === FLOAT16 || elementType === BFLOAT16 ? "float32" : "value";
}
