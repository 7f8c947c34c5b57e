import { type Blob, BnError, type HostArray } from "@bn/core";
import { encodeBlob, replaceData } from "../binary/blob.ts";
import type { CaffeFile } from "../file.ts";
import { createMover } from "../net/moved.ts";
import {
  type LayerParameter,
  LayerParameterSchema,
  NetParameterSchema,
  V0LayerParameterSchema,
  type V1LayerParameter,
  V1LayerParameterSchema,
} from "../schema/caffe_pb.ts";
import { DIALECTS, type Role } from "./dialect.ts";
import type { CaffeRecord } from "./record.ts";

/**
 * Returns weights with a layer's blobs replaced, in the form that the file has. Caffe can load them instead of
 * `weights`. Blobs that other layers share are replaced there too. `blobs` are those of `createLayers`, or of the layer
 * itself.
 *
 * Math    sums and factor are written bit for bit. A dialect that stores averages gets fl(sum / factor), and its factor
 *         stays; 1 / std gets fl(1 / sqrt(variance + eps)). Values that a float cannot hold make a blob `double_data`.
 * Errors  `ERR_BN_DATA`: `weights` has no such layer; `ERR_BN_SHAPE`: the number of blobs or values differs from the
 *         record's.
 *
 * @example
 * ```ts
 * import { createCpu } from "@bn/cpu";
 * import { createLayers, decodeBlob, encodeBlob, importNet, readNet, writeBlobs } from "@bn/caffe";
 * const net = readNet('input: "x" layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y" }');
 * net.message.layer[0]!.blobs = [[6], [8], [2]].map((data) => encodeBlob({ shape: [1], data: Float32Array.from(data) }));
 * const record = importNet({ net }).layers[0]!;
 * const { blobs } = createLayers(await createCpu(), record);
 * blobs[0]!.write([7]);
 * const trained = await writeBlobs(net, record, blobs);
 * console.log(decodeBlob(trained.message.layer[0]!.blobs[0]!).data[0]); // 7
 * ```
 */
export async function writeBlobs(weights: CaffeFile, record: CaffeRecord, blobs: readonly Blob[]): Promise<CaffeFile> {
  return writeRoles(weights, record, await valuesOf(record, blobs));
}

/** The same with values by role; a role that is null stays unchanged. Errors: those of `writeBlobs`. */
export function writeRoles(weights: CaffeFile, record: CaffeRecord, values: Values): CaffeFile {
  const { places, layers, shared } = record.caffe;
  const targets = places.flatMap(({ role, layer, blob }) => {
    const data = values(role);
    const own = { layer: (layers[layer] as { name: string }).name, blob };
    const others = shared.filter((one) => one.role === role).flatMap((one) => one.others);
    return data ? [own, ...others].map((place) => ({ ...place, data })) : [];
  });
  const mover = createMover(weights);
  const message = mover.copy(NetParameterSchema, weights.message);
  const stored = layers.map(({ name }) => name).filter((name) => targets.some(({ layer }) => layer === name));
  const written = new Set<string>();
  const put = <T extends { name: string; blobs: Uint8Array[] }>(layer: T, copy: (layer: T) => T): T => {
    const mine = targets.filter((one) => one.layer === layer.name);
    if (mine.length === 0 || written.has(layer.name)) return layer;
    written.add(layer.name);
    const changed = copy(layer);
    changed.blobs = [...layer.blobs];
    for (const { blob, data } of mine)
      changed.blobs[blob] = blobOf(changed.blobs[blob], data, weights.file, layer.name);
    return changed;
  };
  message.layer = message.layer.map((layer) =>
    put<LayerParameter>(layer, (one) => mover.copy(LayerParameterSchema, one)),
  );
  message.layers = message.layers.map((layer) => {
    if (!layer.layer) return put<V1LayerParameter>(layer, (one) => mover.copy(V1LayerParameterSchema, one));
    const inner = put(layer.layer, (one) => mover.copy(V0LayerParameterSchema, one));
    return inner === layer.layer ? layer : Object.assign(mover.copy(V1LayerParameterSchema, layer), { layer: inner });
  });
  const missing = stored.find((name) => !written.has(name));
  if (missing !== undefined) {
    throw new BnError(
      "ERR_BN_DATA",
      `${weights.file}: there is no layer "${missing}" to write the blobs to; pass the weights that the record was read from`,
    );
  }
  return { ...weights, message, places: mover.places, unknown: mover.unknown };
}

function blobOf(old: Uint8Array | undefined, data: HostArray, file: string, layer: string): Uint8Array {
  const where = `${file}: layer "${layer}"`;
  return old && old.length > 0 ? replaceData(old, data, where) : encodeBlob({ shape: [data.length], data });
}

type Values = (role: Role) => HostArray | null;

/** The values in the form that the dialect stores, by role. */
async function valuesOf(record: CaffeRecord, blobs: readonly Blob[]): Promise<Values> {
  const roles: Role[] = record.statistics ? ["mean", "variance", "factor"] : [];
  if (record.gamma) roles.push("gamma");
  if (record.beta) roles.push("beta");
  if (blobs.length !== roles.length) {
    throw new BnError(
      "ERR_BN_SHAPE",
      `writeBlobs "${record.name}": ${blobs.length} blobs, expected ${roles.length}: ${roles.join(", ")}`,
    );
  }
  const read = new Map<Role, HostArray>();
  for (const [i, role] of roles.entries()) read.set(role, await (blobs[i] as Blob).read());
  if (!record.statistics || DIALECTS[record.caffe.dialect].statistics === "sums")
    return (role) => read.get(role) ?? null;
  const factor = read.get("factor")?.[0] ?? 1;
  const averaged = (values: HostArray) => values.map((sum) => (factor === 0 ? 0 : sum / factor));
  const { eps } = record;
  return (role) => {
    if (role === "factor") return null;
    if (role === "mean" || role === "variance") return averaged(read.get(role) as HostArray);
    if (role === "inverse std")
      return averaged(read.get("variance") as HostArray).map((value) => 1 / Math.sqrt(value + eps));
    return read.get(role) ?? null;
  };
}
