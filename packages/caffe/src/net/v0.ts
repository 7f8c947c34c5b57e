import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  V1LayerParameter_LayerType as Type,
  type V0LayerParameter,
  type V1LayerParameter,
  V1LayerParameterSchema,
} from "../schema/caffe_pb.ts";
import type { Mover } from "./moved.ts";
import { V0_TYPES } from "./types.ts";

type Init = MessageInitShape<typeof V1LayerParameterSchema>;
type Old = keyof V0LayerParameter;

/** The new place of each field of V0, for the types that have it: [field of V0, field of the type's message]. */
const PARAMS: Partial<Record<Type, readonly [keyof V1LayerParameter, Readonly<Partial<Record<Old, string>>>]>> = {
  [Type.CONVOLUTION]: [
    "convolutionParam",
    {
      numOutput: "numOutput",
      biasterm: "biasTerm",
      weightFiller: "weightFiller",
      biasFiller: "biasFiller",
      pad: "pad",
      kernelsize: "kernelSize",
      group: "group",
      stride: "stride",
    },
  ],
  [Type.POOLING]: ["poolingParam", { pool: "pool", pad: "pad", kernelsize: "kernelSize", stride: "stride" }],
  [Type.INNER_PRODUCT]: [
    "innerProductParam",
    { numOutput: "numOutput", biasterm: "biasTerm", weightFiller: "weightFiller", biasFiller: "biasFiller" },
  ],
  [Type.DROPOUT]: ["dropoutParam", { dropoutRatio: "dropoutRatio" }],
  [Type.LRN]: ["lrnParam", { localSize: "localSize", alpha: "alpha", beta: "beta", k: "k" }],
  [Type.CONCAT]: ["concatParam", { concatDim: "concatDim" }],
  [Type.INFOGAIN_LOSS]: ["infogainLossParam", { source: "source" }],
  [Type.DATA]: ["dataParam", { source: "source", batchsize: "batchSize", randSkip: "randSkip" }],
  [Type.HDF5_DATA]: ["hdf5DataParam", { source: "source", batchsize: "batchSize" }],
  [Type.IMAGE_DATA]: [
    "imageDataParam",
    {
      source: "source",
      batchsize: "batchSize",
      randSkip: "randSkip",
      shuffleImages: "shuffle",
      newHeight: "newHeight",
      newWidth: "newWidth",
    },
  ],
  [Type.WINDOW_DATA]: [
    "windowDataParam",
    {
      source: "source",
      batchsize: "batchSize",
      detFgThreshold: "fgThreshold",
      detBgThreshold: "bgThreshold",
      detFgFraction: "fgFraction",
      detContextPad: "contextPad",
      detCropMode: "cropMode",
    },
  ],
};
const TRANSFORM: Readonly<Partial<Record<Old, string>>> = {
  scale: "scale",
  meanfile: "meanFile",
  cropsize: "cropSize",
  mirror: "mirror",
};
/** Fields that are repeated in the current message but single in V0. */
const REPEATED = new Set(["pad", "kernelSize", "stride"]);

/**
 * Converts a layer of V0 to V1. A field that its type does not use is dropped, as in Caffe.
 *
 * Source: BVLC Caffe, `UpgradeV0LayerParameter`.
 */
export function upgradeV0(outer: V1LayerParameter, old: V0LayerParameter, mover: Mover): V1LayerParameter {
  const type = V0_TYPES[old.type];
  const init: Init = { bottom: outer.bottom, top: outer.top, name: old.name, blobs: old.blobs };
  if (type !== undefined) init.type = type;
  init.blobsLr = old.blobsLr;
  init.weightDecay = old.weightDecay;
  const [name, fields] = (type !== undefined && PARAMS[type]) || [];
  if (name && fields) Object.assign(init, { [name]: moved(old, fields, type === Type.CONVOLUTION) });
  const transform = moved(old, TRANSFORM, false);
  if (Object.keys(transform).length > 0) init.transformParam = transform;
  if (old.hdf5OutputParam) init.hdf5OutputParam = old.hdf5OutputParam;
  return mover.note(create(V1LayerParameterSchema, init), old);
}

function moved(old: V0LayerParameter, fields: Readonly<Partial<Record<Old, string>>>, repeats: boolean): object {
  const found = Object.entries(fields).filter(([from]) => Object.hasOwn(old, from));
  return Object.fromEntries(
    found.map(([from, to]) => {
      const value = old[from as Old];
      return [to, repeats && REPEATED.has(to) ? [value] : value];
    }),
  );
}
