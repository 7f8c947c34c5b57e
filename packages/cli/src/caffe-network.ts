import type { ConvertedNet, ConvertOptions } from "@bn/caffe";
import { openNet, openWeights } from "@bn/caffe/node";
import type { Shape } from "@bn/core";
import type { Tensor } from "@bn/onnx/verify";
import { dialectOf } from "./caffe.ts";
import { bad } from "./errors.ts";
import { feedsFor, type GivenInputs } from "./inputs-option.ts";

/** The options of `bn convert` and `bn verify --net` other than the two files. */
export interface NetworkOptions {
  readonly opset?: string;
  /** Each has the form `name=sizes`. */
  readonly shape?: readonly string[];
  readonly dialect?: string;
  readonly stage?: readonly string[];
}

/** The network and the other options of a conversion. Errors: `ERR_BN_PARAM` for wrong options, and without a net. */
export async function openNetwork(
  net: string | undefined,
  weights: string,
  { opset, shape = [], dialect, stage }: NetworkOptions,
): Promise<ConvertOptions> {
  if (net === undefined)
    throw bad(`${weights}: this file holds Caffe weights only; pass their network with --net DEPLOY.prototxt`);
  const given = { dialect: dialectOf(dialect), shapes: shapesOf(shape), stages: stage };
  const version = opset === undefined ? undefined : Number(opset);
  return { net: await openNet(net), weights: await openWeights(weights), ...given, opset: version };
}

/** Parses the shapes of `--shape NAME=1,3,224,224`, by name. Errors: `ERR_BN_PARAM`. */
export function shapesOf(options: readonly string[]): Record<string, Shape> {
  const shapes: Record<string, Shape> = Object.create(null);
  for (const option of options) {
    // A name may contain "=", sizes do not.
    const at = option.lastIndexOf("=");
    const sizes = option.slice(at + 1).split(",");
    if (at < 1 || !sizes.every((size) => /^\s*[1-9]\d*\s*$/.test(size))) {
      throw bad(`--shape ${option}: expected name=sizes, e.g. data=1,3,224,224`);
    }
    const name = option.slice(0, at);
    if (Object.hasOwn(shapes, name)) throw bad(`--shape: "${name}" is given twice; give it once`);
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
