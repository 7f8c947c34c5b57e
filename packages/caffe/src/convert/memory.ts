import { keyOf, type NetworkLayer, readersOf, type Value as Wire } from "../net/network.ts";
import { fail } from "./context.ts";

/** Layers whose tops are the memory of their bottom with another shape or name. */
const SHARE: readonly string[] = ["Flatten", "Reshape", "Split"];
/** Layers that in inference change nothing even if they work in place. */
const KEEP: readonly string[] = ["Dropout"];

/**
 * Refuses a net in which an in-place layer changes memory that another blob shares and a later layer reads. Caffe gives
 * that layer the changed values, but ONNX has values and no shared memory. If several layers read a blob, Caffe allows
 * none of them to work in place.
 *
 * Errors: `ERR_BN_DATA`, naming the in-place layer, the blob and its reader.
 */
export function refuseSharedWrites(layers: readonly NetworkLayer[]): void {
  const readers = readersOf(layers);
  /** For each value, all values that share its memory. */
  const sharers = new Map<string, Wire[]>();
  for (const layer of layers) {
    for (const [top, blob] of layer.tops.entries()) {
      const own: Wire = { blob, layer: layer.index, top };
      const bottom = layer.bottoms[SHARE.includes(layer.type) ? 0 : top];
      const memory = bottom && sharers.get(keyOf(bottom));
      const inPlace = bottom?.blob === blob && readers(bottom).length === 1;
      if (!memory || !(inPlace || SHARE.includes(layer.type))) {
        sharers.set(keyOf(own), [own]);
        continue;
      }
      if (inPlace && !KEEP.includes(layer.type)) refuseReaders(layer, memory, readers);
      memory.push(own);
      sharers.set(keyOf(own), memory);
    }
  }
}

function refuseReaders(layer: NetworkLayer, memory: readonly Wire[], readers: ReturnType<typeof readersOf>): void {
  for (const wire of memory) {
    const later = readers(wire).find(({ index }) => index > layer.index);
    if (!later || layer.tops.includes(wire.blob)) continue;
    fail(
      layer,
      `works in place on memory shared with blob "${wire.blob}", which layer "${later.name}" reads later: Caffe gives it the changed values; give this layer's top a name of its own`,
    );
  }
}
