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

/** Fields with the same name and type in a current layer, where they have the same meaning. */
const KEPT = V1LayerParameterSchema.fields.flatMap(({ localName, fieldKind, message, enum: names, scalar }) => {
  const own = LayerParameterSchema.fields.find((field) => field.localName === localName);
  const same = own && own.message === message && own.enum === names && own.scalar === scalar;
  return same && own.fieldKind === fieldKind ? [localName as keyof LayerParameter & keyof V1LayerParameter] : [];
});

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
    const { param, blobShareMode, blobsLr, weightDecay } = old;
    const own = { name: param[i], shareMode: blobShareMode[i], lrMult: blobsLr[i], decayMult: weightDecay[i] };
    Object.assign(spec, Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)));
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
