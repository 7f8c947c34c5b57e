import type { HostArray, Shape } from "@bn/core";
import { create } from "@bufbuild/protobuf";
import type { CaffeBlob } from "../binary/blob.ts";
import { countOf } from "../count.ts";
import type { NetworkLayer } from "../net/network.ts";
import { ScaleParameterSchema } from "../schema/caffe_pb.ts";
import { shapesOf } from "./recognize.ts";
import { channelsOf } from "./stored.ts";

/** A Scale layer, or the reason why it cannot be read. */
export type ReadScale =
  | {
      readonly gamma: HostArray | null;
      readonly beta: HostArray | null;
      readonly axis: number;
      readonly shape: Shape;
      readonly notes: readonly string[];
    }
  | { readonly broken: string };

export function readScale({ param, bottoms }: NetworkLayer, blobs: readonly CaffeBlob[]): ReadScale {
  const { axis, numAxes, biasTerm } = param.scaleParam ?? create(ScaleParameterSchema);
  const own = bottoms.length < 2;
  const expected = (own ? 1 : 0) + (biasTerm ? 1 : 0);
  if (blobs.length !== expected) {
    const cure = biasTerm ? "bias_term is true" : "bias_term is false";
    return {
      broken: `${blobs.length} blobs (${shapesOf(blobs)}), expected ${expected}, as ${cure}; the weights may belong to another net`,
    };
  }
  const [first] = blobs;
  if (!first) return { broken: "its scale is another layer's top, and it has no blob, so there is nothing to read" };
  const shape = coveredBy(first, own ? numAxes : -1);
  const misfit = countOf(shape) !== first.data.length || (own && numAxes >= 0 && shape.length !== numAxes);
  if (misfit || numAxes < -1) {
    return {
      broken: `num_axes is ${numAxes}, which its blob of shape [${first.shape}] does not fit; the weights may belong to another net`,
    };
  }
  const other = blobs.find(({ data }) => data.length !== first.data.length);
  if (other) return { broken: `blobs of shapes ${shapesOf(blobs)}, expected two blobs of the same shape` };
  const notes =
    !first.legacy && String(shape) !== String(first.shape)
      ? [`shape [${first.shape}] is read as [${shape}]; Caffe refuses it`]
      : [];
  const [gamma, beta] = own ? [first, blobs[1]] : [null, first];
  return { gamma: gamma?.data ?? null, beta: beta?.data ?? null, axis, shape, notes };
}

/** The shape without the ones that a legacy shape begins with, or without the ones around it if one axis is covered. */
function coveredBy(blob: CaffeBlob, numAxes: number): Shape {
  if (numAxes === 1 && channelsOf(blob) >= 0) return [blob.data.length];
  if (!blob.legacy) return blob.shape;
  if (numAxes >= 0) return blob.shape.slice(Math.max(0, blob.shape.length - numAxes));
  const first = blob.shape.findIndex((size) => size !== 1);
  return blob.shape.slice(first < 0 ? blob.shape.length - 1 : first);
}
