import type { Layer } from "../fold/layer.ts";
import { BFLOAT16, elementTypes, FLOAT16 } from "../graph/elements.ts";
import { readModel } from "../graph/load.ts";
import type { Model } from "../graph/proto.ts";
import type { Tap } from "../verify/extract.ts";
import { prepare } from "../verify/prepare.ts";
import type { Runtime, Tensor } from "../verify/runtime.ts";
import { createTaps, type Given, type Taps } from "../verify/taps.ts";

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

export function openNetwork(bytes: Uint8Array, runtime: Runtime, options: Omit<Given, "failures">): RunNetwork {
  const { model } = readModel(bytes);
  const taps = createTaps(model, runtime, { ...options, failures: prepare(model) });
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
