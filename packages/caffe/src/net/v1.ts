import { create, isFieldSet } from "@bufbuild/protobuf";
import {
  type LayerParameter,
  LayerParameterSchema,
  ParamSpecSchema,
  type TransformationParameter,
  TransformationParameterSchema,
  type V1LayerParameter,
  V1LayerParameterSchema,
} from "../schema/caffe_pb.ts";
import type { Mover } from "./moved.ts";
import { TYPE_NAMES } from "./types.ts";

/** Fields with the same name and meaning in a current layer. */
const KEPT = [
  "name",
  "bottom",
  "top",
  "include",
  "exclude",
  "blobs",
  "lossWeight",
  "accuracyParam",
  "argmaxParam",
  "concatParam",
  "contrastiveLossParam",
  "convolutionParam",
  "dataParam",
  "dropoutParam",
  "dummyDataParam",
  "eltwiseParam",
  "expParam",
  "hdf5DataParam",
  "hdf5OutputParam",
  "hingeLossParam",
  "imageDataParam",
  "infogainLossParam",
  "innerProductParam",
  "lossParam",
  "lrnParam",
  "memoryDataParam",
  "mvnParam",
  "poolingParam",
  "powerParam",
  "reluParam",
  "sigmoidParam",
  "sliceParam",
  "softmaxParam",
  "tanhParam",
  "thresholdParam",
  "transformParam",
  "windowDataParam",
] as const satisfies readonly (keyof LayerParameter & keyof V1LayerParameter)[];

/**
 * Converts a layer of V1 to the current form: `type` by name (the type of a fork as written), and `blobs_lr`,
 * `weight_decay`, `param` and `blob_share_mode` as ParamSpec.
 *
 * Source: BVLC Caffe, `UpgradeV1LayerParameter`.
 */
export function upgradeV1(old: V1LayerParameter, mover: Mover): LayerParameter {
  const layer = mover.note(create(LayerParameterSchema), old);
  const has = (name: keyof V1LayerParameter) => Object.hasOwn(old, name);
  for (const name of KEPT) if (has(name)) Object.assign(layer, { [name]: old[name] });
  const type = TYPE_NAMES.get(old.type);
  if (type !== undefined && isFieldSet(old, V1LayerParameterSchema.field.type)) layer.type = type;
  const named = mover.unknown.get(layer)?.find(({ name }) => name === "type")?.values[0];
  if (named?.kind === "scalar") layer.type = named.parts.join(" ");
  const specs = Math.max(old.param.length, old.blobShareMode.length, old.blobsLr.length, old.weightDecay.length);
  for (let i = 0; i < specs; i++) {
    const spec = create(ParamSpecSchema);
    const [name, shareMode, lrMult, decayMult] = [
      old.param[i],
      old.blobShareMode[i],
      old.blobsLr[i],
      old.weightDecay[i],
    ];
    if (name !== undefined) spec.name = name;
    if (shareMode !== undefined) spec.shareMode = shareMode;
    if (lrMult !== undefined) spec.lrMult = lrMult;
    if (decayMult !== undefined) spec.decayMult = decayMult;
    layer.param.push(spec);
  }
  return layer;
}

const DATA_PARAMS = ["dataParam", "imageDataParam", "windowDataParam"] as const;
const MOVED = ["scale", "meanFile", "cropSize", "mirror"] as const satisfies readonly (keyof TransformationParameter)[];

/**
 * Moves scale, mean, crop and mirror of a data layer to its transform_param.
 *
 * Source: BVLC Caffe, `UpgradeNetDataTransformation`.
 */
export function upgradeData(layer: LayerParameter, mover: Mover): void {
  for (const name of DATA_PARAMS) {
    const param = layer[name];
    const found = MOVED.filter((field) => param && Object.hasOwn(param, field));
    if (!param || found.length === 0) continue;
    const old = layer.transformParam;
    const transform = old ? mover.copy(TransformationParameterSchema, old) : create(TransformationParameterSchema);
    const rest = Object.assign(Object.create(Object.getPrototypeOf(param)), param);
    for (const field of found) {
      Object.assign(transform, { [field]: param[field] });
      delete rest[field];
    }
    layer.transformParam = transform;
    layer[name] = mover.note(rest, param);
  }
}
