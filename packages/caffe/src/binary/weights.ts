import { create, toBinary } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { bad, type CaffeFile, type ReadOptions } from "../file.ts";
import { NetParameterSchema } from "../schema/caffe_pb.ts";
import { decodeInto } from "./decode.ts";

/** protobuf's own limit. */
export const MAX_WEIGHTS = 2 ** 31 - 1;

/**
 * Reads a `.caffemodel`: the whole network with its blobs. Blobs stay views of `bytes` until `decodeBlob` reads one.
 *
 * Errors: `ERR_BN_DATA` if the file is empty, text, truncated or damaged.
 *
 * @example
 * ```ts
 * import { readNet, readWeights, writeWeights } from "@bn/caffe";
 * const bytes = writeWeights(readNet('layer { name: "bn" type: "BatchNorm" blobs { data: 2 shape { dim: 1 } } }'));
 * console.log(readWeights(bytes).message.layer[0]!.name); // bn
 * ```
 */
export function readWeights(bytes: Uint8Array, { file = "weights" }: ReadOptions = {}): CaffeFile {
  const fail = (what: string, cause?: unknown) => bad(file, undefined, what, { cause });
  if (bytes.length === 0) throw fail("the file is empty, expected a .caffemodel; fetch it again");
  if (bytes.length > MAX_WEIGHTS)
    throw fail(`${bytes.length} bytes, expected at most ${MAX_WEIGHTS}, the limit of protobuf`);
  if (looksLikeText(bytes)) throw fail("text, expected a binary .caffemodel; pass a .prototxt as the network (--net)");
  const net = create(NetParameterSchema);
  try {
    decodeInto(reflect(NetParameterSchema, net), bytes);
  } catch (cause) {
    const what = `${bytes.length} bytes do not decode (${(cause as Error).message})`;
    throw fail(`${what}: truncated, or not a .caffemodel; fetch the file again`, cause);
  }
  if (net.layer.length + net.layers.length === 0) {
    throw fail(`${bytes.length} bytes without a layer, expected a .caffemodel; check that this is the right file`);
  }
  return { file, message: net, places: new Map(), unknown: new Map() };
}

/** Whether the file starts like protobuf text and contains only bytes that occur in text. */
function looksLikeText(bytes: Uint8Array): boolean {
  const head = bytes.subarray(0, 512);
  const text = head.every((byte) => byte >= 32 || byte === 9 || byte === 10 || byte === 13);
  return text && /^\s*(#|[A-Za-z_]\w*\s*[:{<])/m.test(new TextDecoder().decode(head));
}

/**
 * Encodes the bytes of a `.caffemodel`. Fields that the schema does not name follow the other fields of their message.
 *
 * Errors: `ERR_BN_DATA` if the network was read from text and has fields whose numbers are unknown.
 */
export function writeWeights({ file, message, places, unknown }: CaffeFile): Uint8Array<ArrayBuffer> {
  for (const [inside, [field]] of unknown) {
    const what = `field ${field?.name} of ${inside.$typeName} is not a field of Caffe's, and has no number for the binary format`;
    throw bad(file, places.get(inside), `${what}; delete it, or write the text format`);
  }
  return toBinary(NetParameterSchema, message);
}
