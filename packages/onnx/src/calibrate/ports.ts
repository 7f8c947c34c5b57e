import { modelError } from "../graph/errors.ts";
import { inputsOf } from "../graph/inputs.ts";
import { dependenciesOf, type Model, parseModel, producersOf, tensorTypeOf } from "../graph/proto.ts";
import { typeNameOf } from "../verify/values.ts";
import type { DataPort } from "./data/data.ts";

/**
 * The inputs of a model that need data.
 *
 * Errors: `ERR_BN_DATA` if the bytes are not a model, or if an input is not a tensor of numbers.
 *
 * @example
 * ```ts
 * import { batchNormOf, buildModel } from "@bn/onnx";
 * import { inputPorts } from "@bn/onnx/calibrate";
 * const one = new Float32Array([1, 1]);
 * const model = buildModel(batchNormOf([one, one, [1], one, one]), { shape: ["N", 2, 8, 8] });
 * console.log(inputPorts(model)); // [ { name: 'X', type: 'float32', shape: [ null, 2, 8, 8 ] } ]
 * ```
 */
export function inputPorts(bytes: Uint8Array): readonly DataPort[] {
  return portsOf(parseModel(bytes));
}

export function portsOf(model: Model): DataPort[] {
  return inputsOf(model).map((input) => {
    const { name } = input;
    const tensor = tensorTypeOf(input);
    const typeName = tensor && typeNameOf(tensor.elemType);
    if (typeName === undefined || typeName === "string") {
      throw modelError(`input "${name}" is not a tensor of numbers; convert the model`);
    }
    const shape = tensor?.shape?.dim.map(({ value }) =>
      value.case === "dimValue" && value.value > 0n ? Number(value.value) : null,
    );
    return { name, type: typeName, shape: shape ?? null };
  });
}

/** Those of `ports` that one of `names` depends on. */
export function portsBefore({ graph }: Model, ports: readonly DataPort[], names: readonly string[]): DataPort[] {
  const needed = dependenciesOf(names, producersOf(graph.node)).names;
  return ports.filter(({ name }) => needed.has(name));
}

/** The only batch size that a model's inputs allow, or null. */
export function fixedBatch(ports: readonly DataPort[]): number | null {
  return ports.map(({ shape }) => shape?.[0] ?? null).find((size) => size !== null) ?? null;
}
