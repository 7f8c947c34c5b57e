import { BnError } from "@bn/core";
import { bad, type CaffeFile } from "../file.ts";
import { type LayerParameter, Phase } from "../schema/caffe_pb.ts";
import { isIncluded, type NetStateOptions } from "./rules.ts";
import { shareBlobs } from "./sharing.ts";
import { saysPhase, upgradeNet } from "./upgrade.ts";

/**
 * The value that a bottom reads: a blob as one layer left it. With in-place layers, one name stands for several values.
 */
export interface Value {
  /** The blob's name. */
  readonly blob: string;
  /**
   * The index of the layer that computed it, and the index of the top; -1 if there is no such layer (weights without a
   * net).
   */
  readonly layer: number;
  readonly top: number;
}

export interface NetworkLayer {
  readonly index: number;
  readonly name: string;
  readonly type: string;
  /** For messages: `net.prototxt:12:7: layer "bn1" (BatchNorm)`. */
  readonly label: string;
  readonly phase: "train" | "test";
  /** The layer in the current form. Fields that the schema does not name are in `unknown` of the network's file. */
  readonly param: LayerParameter;
  readonly bottoms: readonly Value[];
  /** The names of the tops; the value is `{ blob, layer: index, top }`. */
  readonly tops: readonly string[];
  /** The blobs for `decodeBlob`: from the weights, or from the net if it contains them. */
  readonly blobs: readonly Uint8Array[];
}

export interface Network {
  readonly name: string;
  readonly layers: readonly NetworkLayer[];
  /** Values that no layer reads, in order. */
  readonly outputs: readonly Value[];
  /** The files in their current form. If no net was given, `net` is the network that is stored with the weights. */
  readonly net: CaffeFile;
  readonly weights: CaffeFile | null;
  /** Layers of the weights that have blobs, and a name that the net does not have. */
  readonly unused: readonly string[];
  /** Names of shared parameters whose copies in the file differ. The last copy is used. */
  readonly differing: readonly string[];
}

export interface NetworkOptions extends NetStateOptions {
  readonly net?: CaffeFile | undefined;
  readonly weights?: CaffeFile | undefined;
}

/**
 * Opens the network of one phase with its weights, as Caffe does: it applies the rules of NetState, connects each
 * bottom to the layer that computed it, and assigns blobs to layers by name. Without `net` it uses the network that is
 * stored with the weights. That network may lack bottoms, and its rules and phases, which belong to training, are
 * ignored.
 *
 * Errors: `ERR_BN_DATA` with file, layer and, in a text, line and column: a bottom that no earlier layer computes, a
 * blob that two layers compute, weights of another net, layers that `upgradeNet` refuses. `ERR_BN_PARAM` if neither
 * file is given.
 *
 * Source: BVLC Caffe, `Net::Init`, `Net::CopyTrainedLayersFrom`.
 *
 * @example
 * ```ts
 * import { openNetwork, readNet } from "@bn/caffe";
 * const text = 'input: "x" layer { name: "bn" type: "BatchNorm" bottom: "x" top: "x" }';
 * const { layers, outputs } = openNetwork({ net: readNet(text) });
 * console.log(layers[1]!.bottoms[0], outputs.length); // { blob: 'x', layer: 0, top: 0 } 1
 * ```
 */
export function openNetwork({ net, weights, phase = "test", level, stages }: NetworkOptions): Network {
  const trained = weights && upgradeNet(weights);
  const file = net ? upgradeNet(net) : trained;
  if (!file) throw new BnError("ERR_BN_PARAM", "openNetwork: neither net nor weights were given; pass one or both");
  const { message, places } = file;
  const state = {
    phase,
    level: level ?? message.state?.level ?? 0,
    stages: [...(message.state?.stage ?? []), ...(stages ?? [])],
  };
  const params = net
    ? message.layer.filter((layer) => isIncluded(layer, state, file.file, places.get(layer)))
    : message.layer;
  const stored = new Map((trained?.message.layer ?? []).map((layer) => [layer.name, layer]));
  const order = new Map([...stored.keys()].map((name, i) => [name, i]));
  const flow = createFlow(file, net !== undefined);
  const given = new Set<string>();
  const own = params.map((param, index) => {
    const { name, type } = param;
    const label = `${placed(file, param)}: layer "${name}" (${type || "no type"})`;
    const phaseOf = net && saysPhase(param) ? (param.phase === Phase.TEST ? "test" : "train") : phase;
    // As in Caffe, if several layers have the same name, the first one gets the weights.
    const source = net && !given.has(name) ? stored.get(name) : undefined;
    given.add(name);
    const blobs = source && source.blobs.length > 0 ? source.blobs : param.blobs;
    const bottoms = flow.read(param);
    flow.make(param, index);
    return { index, name, type, label, phase: phaseOf, param, bottoms, tops: param.top, blobs } satisfies NetworkLayer;
  });
  const unused = [...stored.values()].filter(({ name, blobs }) => blobs.length > 0 && !given.has(name));
  const known = [...stored.values()].filter(({ blobs }) => blobs.length > 0).length;
  if (net && trained && known > 0 && unused.length === known) {
    const names = unused.slice(0, 3).map(({ name }) => `"${name}"`);
    const what = `none of its ${known} layers with weights (${names.join(", ")}, ...) is in ${file.file}`;
    throw bad(trained.file, undefined, `${what}; the weights may belong to another net`);
  }
  return {
    name: message.name,
    ...shareBlobs(own, ({ name }) => order.get(name) ?? -1),
    outputs: flow.unread(),
    net: file,
    weights: trained ?? null,
    unused: unused.map(({ name }) => name),
  };
}

/** Identifies a value in one network. */
export const keyOf = ({ layer, top }: Pick<Value, "layer" | "top">) => `${layer}.${top}`;

/** Returns the layers that read a value, one entry per bottom. `read` chooses the bottoms that count; by default all. */
export function readersOf(
  layers: readonly NetworkLayer[],
  read: (layer: NetworkLayer) => readonly Value[] = ({ bottoms }) => bottoms,
): (value: Pick<Value, "layer" | "top">) => readonly NetworkLayer[] {
  const readers = new Map<string, NetworkLayer[]>();
  for (const layer of layers) {
    for (const value of read(layer)) readers.set(keyOf(value), [...(readers.get(keyOf(value)) ?? []), layer]);
  }
  return (value) => readers.get(keyOf(value)) ?? [];
}

function placed({ file, places }: CaffeFile, layer: LayerParameter): string {
  const place = places.get(layer);
  return place === undefined ? file : `${file}:${place}`;
}

/** The value that each name stands for, layer by layer. */
function createFlow(file: CaffeFile, strict: boolean) {
  const current = new Map<string, Value>();
  const read = new Set<Value>();
  const all: Value[] = [];
  const refuse = (param: LayerParameter, what: string) =>
    bad(file.file, file.places.get(param), `layer "${param.name}" (${param.type}): ${what}`);
  return {
    read(param: LayerParameter): Value[] {
      return param.bottom.map((blob) => {
        const value = current.get(blob);
        if (value) {
          read.add(value);
          return value;
        }
        if (!strict) return { blob, layer: -1, top: 0 };
        const later = file.message.layer.find(({ top }) => top.includes(blob));
        const cure = later
          ? `layer "${later.name}" computes it, after this layer or in another phase`
          : "no layer computes it";
        throw refuse(param, `bottom "${blob}" is not the top of an earlier layer (${cure}); correct the net`);
      });
    },
    make(param: LayerParameter, layer: number): void {
      for (const [top, blob] of param.top.entries()) {
        const inPlace = param.bottom[top] === blob;
        if (strict && !inPlace && current.has(blob)) {
          throw refuse(
            param,
            `top "${blob}" is already a top of another layer, and this layer does not work in place; rename it`,
          );
        }
        const value: Value = { blob, layer, top };
        current.set(blob, value);
        all.push(value);
      }
    },
    unread: () => all.filter((value) => !read.has(value)),
  };
}
