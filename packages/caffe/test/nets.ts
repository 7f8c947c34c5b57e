import { type CaffeFile, encodeBlob, readNet } from "../src/index.ts";

/** A layer of a net that a test makes up. */
export interface Made {
  readonly name: string;
  /** Text of the layer, without its name. */
  readonly text: string;
  /** Values of its blobs, with a shape where it is not [length]. */
  readonly blobs?: readonly (
    | readonly number[]
    | { readonly shape: readonly number[]; readonly data: readonly number[] }
  )[];
}

/** A net of layers on the input "x" [2, 2, 3, 3], with blobs. */
export function netOf(layers: readonly Made[], file = "made.prototxt"): CaffeFile {
  const input = 'input: "x" input_shape { dim: 2 dim: 2 dim: 3 dim: 3 }\n';
  const net = readNet(input + layers.map(({ name, text }) => `layer { name: "${name}" ${text} }`).join("\n"), { file });
  for (const [i, { blobs = [] }] of layers.entries()) {
    (net.message.layer[i] as { blobs: Uint8Array[] }).blobs = blobs.map((blob) => {
      const { shape, data } = "shape" in blob ? blob : { shape: [blob.length], data: blob };
      return encodeBlob({ shape, data: Float32Array.from(data) });
    });
  }
  return net;
}

export const BATCH_NORM = 'type: "BatchNorm" bottom: "x" top: "x"';
export const SCALE = 'type: "Scale" bottom: "x" top: "x" scale_param { bias_term: true }';
