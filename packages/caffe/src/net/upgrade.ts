import { create, isFieldSet } from "@bufbuild/protobuf";
import { bad, type CaffeFile } from "../file.ts";
import {
  BlobShapeSchema,
  InputParameterSchema,
  type LayerParameter,
  LayerParameterSchema,
  type NetParameter,
  NetParameterSchema,
  ParamSpecSchema,
} from "../schema/caffe_pb.ts";
import { createMover, type Mover } from "./moved.ts";
import { foldPadding } from "./padding.ts";
import { upgradeV0 } from "./v0.ts";
import { upgradeData, upgradeV1 } from "./v1.ts";

/**
 * Converts a network to the current form: `layers` of V0 and V1 become `layer`, `input` becomes layers of type Input,
 * data layers get a transform_param, and the old `param` of BatchNorm is read as in Caffe. The file itself is not
 * changed; blobs are shared with it.
 *
 * Errors: `ERR_BN_DATA` if there are both `layer` and `layers`, or if the number of `input_dim` does not fit the
 * inputs.
 *
 * Source: BVLC Caffe, `UpgradeNetAsNeeded`.
 *
 * @example
 * ```ts
 * import { readNet, upgradeNet } from "@bn/caffe";
 * const old = readNet('layers { name: "relu" type: RELU bottom: "x" top: "x" }');
 * console.log(upgradeNet(old).message.layer[0]!.type); // ReLU
 * ```
 */
export function upgradeNet(file: CaffeFile): CaffeFile {
  const mover = createMover(file);
  const message = mover.copy(NetParameterSchema, file.message);
  message.layer = layersOf(file, mover).map((layer) => upgradeBatchNorm(layer, mover));
  message.layers = [];
  message.layer = [...inputsOf(file, message), ...message.layer];
  message.input = [];
  message.inputDim = [];
  message.inputShape = [];
  return { file: file.file, message, places: mover.places, unknown: mover.unknown };
}

function layersOf(file: CaffeFile, mover: Mover): LayerParameter[] {
  const { layer, layers } = file.message;
  if (layers.length === 0) return layer;
  if (layer.length > 0) {
    const what = `${layer.length} of \`layer\` and ${layers.length} of the older \`layers\`, expected one of the two`;
    throw bad(file.file, file.places.get(layer[0] as LayerParameter), `${what}; Caffe reads only the older`);
  }
  const folded = foldPadding(layers, mover);
  if (typeof folded === "string") throw bad(file.file, undefined, folded);
  return folded.map((old) => {
    const current = upgradeV1(old.layer ? upgradeV0(old, old.layer, mover) : old, mover);
    // A type that V0 did not have belongs to a fork.
    if (old.layer && current.type === "") current.type = old.layer.type;
    upgradeData(current, mover);
    return current;
  });
}

/** Exactly three ParamSpecs are the old form of the statistics. Whatever they contain, Caffe treats them as zeros. */
function upgradeBatchNorm(layer: LayerParameter, mover: Mover): LayerParameter {
  if (layer.type !== "BatchNorm" || layer.param.length !== 3) return layer;
  const upgraded = mover.copy(LayerParameterSchema, layer);
  upgraded.param = layer.param.map((spec) =>
    Object.assign(mover.copy(ParamSpecSchema, spec), { lrMult: 0, decayMult: 0 }),
  );
  return upgraded;
}

/** Layers of type Input for the `input` of the net. */
function inputsOf(file: CaffeFile, { input, inputDim, inputShape }: NetParameter): LayerParameter[] {
  if (input.length === 0) return [];
  const perInput = inputDim.length === input.length * 4;
  if (inputShape.length > 0 ? inputShape.length !== input.length : inputDim.length > 0 && !perInput) {
    const came = inputShape.length > 0 ? `${inputShape.length} input_shape` : `${inputDim.length} input_dim`;
    const expected = inputShape.length > 0 ? `${input.length}` : `${input.length * 4}, four per input`;
    throw bad(file.file, undefined, `${came} for ${input.length} input, expected ${expected}`);
  }
  return input.map((name, i) => {
    const dims = inputDim.slice(i * 4, i * 4 + 4).map(BigInt);
    const shape = inputShape[i] ?? (perInput ? create(BlobShapeSchema, { dim: dims }) : undefined);
    const inputParam = create(InputParameterSchema, { shape: shape ? [shape] : [] });
    return create(LayerParameterSchema, { name, type: "Input", top: [name], inputParam });
  });
}

/** Whether a layer specifies a phase of its own. */
export function saysPhase(layer: LayerParameter): boolean {
  return isFieldSet(layer, LayerParameterSchema.field.phase);
}
