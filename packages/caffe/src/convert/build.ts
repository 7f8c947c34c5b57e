import { BnError, type Dtype, type HostArray, type Shape } from "@bn/core";
import type { Diagnostic, NormRecord } from "@bn/onnx";
import { decodeBlob } from "../binary/blob.ts";
import type { ImportedNet } from "../layers/import.ts";
import { keyOf, type NetworkLayer, readersOf, type Value as Wire } from "../net/network.ts";
import { type Context, emit, fail } from "./context.ts";
import { createGraph, type Graph, newValue, type Value } from "./graph.ts";
import { DROPPED } from "./layers/dropped.ts";
import { isSource, sourceShape, transformText } from "./layers/input.ts";
import { unknownText } from "./layers/unknown.ts";
import { refuseSharedWrites } from "./memory.ts";
import { paramsOf } from "./params.ts";
import { CONVERTERS } from "./table.ts";

export interface BuildOptions {
  readonly opset: number;
  readonly dtype: Dtype;
  /** The shapes of inputs, by blob. */
  readonly shapes: Readonly<Record<string, Shape>>;
}

/** A value of a blob: an input, or a layer's top. */
export interface BlobValue {
  readonly blob: string;
  readonly layer: NetworkLayer;
  readonly value: Value;
}

export interface Built {
  readonly graph: Graph;
  readonly inputs: readonly BlobValue[];
  readonly tops: readonly BlobValue[];
  readonly outputs: readonly BlobValue[];
  /** The records, by the name of their BatchNorm layer. */
  readonly norms: ReadonlyMap<string, NormRecord>;
  readonly diagnostics: readonly Diagnostic[];
}

/** A loss also reads labels, which its converted form does not. */
const READ_BOTTOMS: Readonly<Record<string, number>> = { SoftmaxWithLoss: 1 };

/**
 * Converts layer after layer, in the net's order. Errors: `ERR_BN_DATA` naming layer and type; those of `sourceShape`.
 */
export function buildGraph(imported: ImportedNet, { opset, dtype, shapes }: BuildOptions): Built {
  const { layers, net, weights } = imported.network;
  const records = new Map(imported.layers.map((record) => [record.name, record]));
  refuseSharedWrites(layers);
  const graph = createGraph(opset, dtype);
  const readers = readersOf(layers, readBottoms);
  const values = new Map<string, Value>();
  /** Values that already belong to a blob. Another blob with equal values gets a tensor of its own. */
  const taken = new Set<string>();
  const inputs: BlobValue[] = [];
  const tops: BlobValue[] = [];
  const norms = new Map<string, NormRecord>();
  const diagnostics: Diagnostic[] = [];
  const absorbed = new Set<NetworkLayer>();
  const say = (kind: Diagnostic["kind"], layer: NetworkLayer, what: string) =>
    diagnostics.push({ kind, node: layer.name, message: `layer "${layer.name}" (${layer.type}) ${what}` });

  const valueAt = (reader: NetworkLayer, wire: Wire): Value => {
    const known = values.get(keyOf(wire));
    if (known) return known;
    const giver = layers[wire.layer] as NetworkLayer;
    if (!isSource(giver)) {
      const what = `reads "${wire.blob}", the output of layer "${giver.name}" (${giver.type}), which is not converted`;
      return fail(reader, `${what}; cut the net before it`);
    }
    const value = newValue(graph, sourceShape(giver, wire.top, shapes[wire.blob]), wire.blob);
    values.set(keyOf(wire), value);
    taken.add(value.id);
    inputs.push({ blob: wire.blob, layer: giver, value });
    return value;
  };

  /** Layers with doubles that float32 cannot represent. */
  const rounded = new Set<string>();
  const countRounded = ({ name }: NetworkLayer, all: readonly (HostArray | null | undefined)[]) => {
    const loses = (data: HostArray) =>
      data instanceof Float64Array && data.some((value) => !Object.is(Math.fround(value), value));
    if (dtype === "float32" && all.some((data) => data && loses(data))) rounded.add(name);
  };

  const contextOf = (layer: NetworkLayer): Context => {
    const used = new Set<number>();
    /**
     * The number of tops that were given values, and whether all must be. A loss is not converted, and neither are
     * values inside a node.
     */
    let [given, whole] = [0, layer.type === "SoftmaxWithLoss" && layer.tops.length > 0];
    const only = () => {
      const found = layer.tops.flatMap((_, top) => readers({ layer: layer.index, top }));
      return found.length === 1 ? (found[0] as NetworkLayer) : null;
    };
    const context: Context = {
      graph,
      layer,
      // A getter, because the bottoms of the next layer do not exist yet while this layer examines it.
      get bottoms() {
        return readBottoms(layer).map((wire) => valueAt(layer, wire));
      },
      params: paramsOf(layer.param).params,
      weights(i) {
        used.add(i);
        const bytes = layer.blobs[i];
        const found =
          bytes && decodeBlob(bytes, `${(weights ?? net).file}: layer "${layer.name}" (${layer.type}), blob ${i}`);
        if (found) countRounded(layer, [found.data]);
        return found;
      },
      note: (what) => say("converted", layer, what),
      record() {
        // All blobs were checked, because their number shows their meaning.
        for (const i of layer.blobs.keys()) used.add(i);
        const found = records.get(layer.name);
        // If two layers have the same name, the first one has the weights.
        if (found && layer.blobs.length > 0) {
          countRounded(layer, [found.statistics?.mean, found.statistics?.variance, found.gamma, found.beta]);
          return found;
        }
        const why = imported.diagnostics.find(({ kind, node }) => kind === "left out" && node === layer.name);
        throw new BnError("ERR_BN_DATA", why?.message ?? `${layer.label}: its blobs cannot be read`);
      },
      norm: (record) => norms.set(layer.name, record),
      top(i, value) {
        const blob = layer.tops[i];
        given++;
        if (blob === undefined) return;
        const copied = taken.has(value.id) && layer.bottoms[i]?.blob !== blob;
        const own = copied ? emit(context, "Identity", [value], value.shape) : value;
        values.set(keyOf({ layer: layer.index, top: i }), own);
        taken.add(own.id);
        tops.push({ blob, layer, value: own });
      },
      next() {
        const found = only();
        return found && contextOf(found);
      },
      absorb(next) {
        absorbed.add(next.layer);
        whole = true;
      },
      done() {
        if (layer.blobs.length > used.size) {
          const what = `the weights hold ${layer.blobs.length} blobs for it, but the net needs ${used.size}`;
          fail(layer, `${what}; check that they belong to this net`);
        }
        if (whole || (given > 0 && given === layer.tops.length)) return;
        fail(layer, `has ${layer.tops.length} tops, expected ${Math.max(given, 1)}`);
      },
    };
    return context;
  };

  for (const layer of layers) {
    if (absorbed.has(layer)) continue;
    if (isSource(layer)) {
      sayWhatItDid(layer, say);
    } else if (Object.hasOwn(DROPPED, layer.type)) {
      say("left out", layer, `is left out: ${DROPPED[layer.type]}`);
    } else {
      const convert = Object.hasOwn(CONVERTERS, layer.type) ? CONVERTERS[layer.type] : undefined;
      if (!convert) fail(layer, unknownText(layer.type, Object.keys(CONVERTERS)));
      const context = contextOf(layer);
      convert?.(context);
      context.done();
    }
  }
  if (rounded.size > 0) {
    const names = [...rounded].map((name) => `"${name}"`).join(", ");
    const message = `the weights of ${names} are float64, and are rounded to float32; with dtype float64 they are kept`;
    diagnostics.push({ kind: "converted", node: [...rounded][0] ?? "", message });
  }
  const outputs = tops.filter(({ blob, layer }) => {
    return readers({ layer: layer.index, top: layer.tops.lastIndexOf(blob) }).length === 0;
  });
  return { graph, inputs, tops, outputs, norms, diagnostics };
}

/** The bottoms that a layer reads in inference. A Silence layer reads values that are then not outputs. */
function readBottoms(layer: NetworkLayer): readonly Wire[] {
  if (Object.hasOwn(DROPPED, layer.type) && layer.type !== "Silence") return [];
  return layer.bottoms.slice(0, READ_BOTTOMS[layer.type]);
}

function sayWhatItDid(layer: NetworkLayer, say: (kind: "left out", layer: NetworkLayer, what: string) => void): void {
  const steps = transformText(layer);
  const fed = layer.tops.map((top) => `"${top}"`).join(", ");
  if (layer.type !== "Input") say("left out", layer, `is not converted: feed its outputs, ${fed}`);
  if (steps !== null) say("left out", layer, `${steps}: do the same before you feed ${fed}`);
}
