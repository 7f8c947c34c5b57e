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

/** Fields of V0 whose names changed. */
const RENAMED: Partial<Record<Old, string>> = {
  biasterm: "biasTerm",
  kernelsize: "kernelSize",
  batchsize: "batchSize",
  shuffleImages: "shuffle",
  detFgThreshold: "fgThreshold",
  detBgThreshold: "bgThreshold",
  detFgFraction: "fgFraction",
  detContextPad: "contextPad",
  detCropMode: "cropMode",
  meanfile: "meanFile",
  cropsize: "cropSize",
};

/** The message of each type that has one, and the fields of V0 that move there. */
const PARAMS: Partial<Record<Type, readonly [message: keyof V1LayerParameter, fields: string]>> = {
  [Type.CONVOLUTION]: ["convolutionParam", "numOutput biasterm weightFiller biasFiller pad kernelsize group stride"],
  [Type.POOLING]: ["poolingParam", "pool pad kernelsize stride"],
  [Type.INNER_PRODUCT]: ["innerProductParam", "numOutput biasterm weightFiller biasFiller"],
  [Type.DROPOUT]: ["dropoutParam", "dropoutRatio"],
  [Type.LRN]: ["lrnParam", "localSize alpha beta k"],
  [Type.CONCAT]: ["concatParam", "concatDim"],
  [Type.INFOGAIN_LOSS]: ["infogainLossParam", "source"],
  [Type.DATA]: ["dataParam", "source batchsize randSkip"],
  [Type.HDF5_DATA]: ["hdf5DataParam", "source batchsize"],
  [Type.IMAGE_DATA]: ["imageDataParam", "source batchsize randSkip shuffleImages newHeight newWidth"],
  [Type.WINDOW_DATA]: [
    "windowDataParam",
    "source batchsize detFgThreshold detBgThreshold detFgFraction detContextPad detCropMode",
  ],
};
const TRANSFORM = "scale meanfile cropsize mirror";
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
  const [name, fields = ""] = (type !== undefined && PARAMS[type]) || [];
  if (name) Object.assign(init, { [name]: moved(old, fields, type === Type.CONVOLUTION) });
  const transform = moved(old, TRANSFORM, false);
  if (Object.keys(transform).length > 0) init.transformParam = transform;
  if (old.hdf5OutputParam) init.hdf5OutputParam = old.hdf5OutputParam;
  return mover.note(create(V1LayerParameterSchema, init), old);
}

function moved(old: V0LayerParameter, fields: string, repeats: boolean): object {
  const found = (fields.split(" ") as Old[]).filter((name) => Object.hasOwn(old, name));
  return Object.fromEntries(
    found.map((from) => {
      const to = RENAMED[from] ?? from;
      return [to, repeats && REPEATED.has(to) ? [old[from]] : old[from]];
    }),
  );
}
