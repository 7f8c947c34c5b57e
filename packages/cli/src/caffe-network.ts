import { type ConvertedNet, convertNet } from "@bn/caffe";
import { openNet, openWeights } from "@bn/caffe/node";
import { BnError, type Shape } from "@bn/core";
import type { Tensor } from "@bn/onnx/verify";
import { dialectOf } from "./caffe.ts";
import { feedsFor, type GivenInputs } from "./inputs-option.ts";

/** The options of `bn convert` and `bn verify --net` other than the two files. */
export interface NetworkOptions {
  readonly opset?: string;
  /** Each has the form `name=sizes`. */
  readonly shape?: readonly string[];
  readonly dialect?: string;
  readonly stage?: readonly string[];
}

/**
 * Reads a Caffe network and converts it. Errors: `ERR_BN_PARAM` for wrong options; `ERR_BN_DATA` as for `convertNet`.
 */
export async function convertFiles(net: string, weights: string, options: NetworkOptions): Promise<ConvertedNet> {
  const { opset, shape = [], dialect, stage } = options;
  const given = dialectOf(dialect);
  const read = { net: await openNet(net), weights: await openWeights(weights) };
  return convertNet({
    ...read,
    dialect: given,
    shapes: shapesOf(shape),
    ...(opset === undefined ? {} : { opset: Number(opset) }),
    ...(stage === undefined ? {} : { stages: stage }),
  });
}

/** Parses the shapes of `--shape NAME=1,3,224,224`, by name. Errors: `ERR_BN_PARAM`. */
export function shapesOf(options: readonly string[]): Record<string, Shape> {
  const shapes: Record<string, Shape> = Object.create(null);
  for (const option of options) {
    // A name may contain "=", sizes do not.
    const at = option.lastIndexOf("=");
    const sizes = option.slice(at + 1).split(",");
    if (at < 1 || !sizes.every((size) => /^\s*[1-9]\d*\s*$/.test(size))) {
      throw new BnError("ERR_BN_PARAM", `--shape ${option}: expected name=sizes, e.g. data=1,3,224,224`);
    }
    const name = option.slice(0, at);
    if (Object.hasOwn(shapes, name))
      throw new BnError("ERR_BN_PARAM", `--shape: "${name}" is given twice; give it once`);
    shapes[name] = sizes.map(Number);
  }
  return shapes;
}

/** Renames given inputs to the names of tensors. Users give them by blob, as the net names them, or by tensor. */
export function feedsOf(given: GivenInputs, { inputs }: ConvertedNet): Readonly<Record<string, Tensor>> {
  const feeds = feedsFor(given, () => inputs.map(({ blob }) => blob));
  return Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]) => [inputs.find(({ blob }) => blob === name)?.tensor ?? name, tensor]),
  );
}
