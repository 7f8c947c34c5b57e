import { BnError, type Shape } from "@bn/core";
import { countOf, MAX_COUNT } from "../../count.ts";
import type { NetworkLayer } from "../../net/network.ts";
import { type Params, paramsOf } from "../params.ts";

/** Whether a layer is a source of the net's inputs, which means that it has no bottoms. */
export function isSource({ bottoms, type }: NetworkLayer): boolean {
  return bottoms.length === 0 && type !== "Parameter";
}

/** The shape that a net declares for each top of a layer; undefined if it declares none. */
type Declared = (own: Params, layer: NetworkLayer) => readonly (Shape | undefined)[];

const repeated = (shapes: readonly Shape[], { tops }: NetworkLayer) => {
  return tops.map((_, i) => shapes[shapes.length === 1 ? 0 : i]);
};

const SHAPES: Readonly<Record<string, readonly [message: string, shapes: Declared]>> = {
  Input: [
    "input_param",
    (own, layer) =>
      repeated(
        own.list("shape").map((shape) => shape.numbers("dim")),
        layer,
      ),
  ],
  DummyData: [
    "dummy_data_param",
    (own, layer) => {
      const old = ["num", "channels", "height", "width"].map((name) => own.numbers(name));
      const shapes = (old[0] ?? []).map((_, i) => old.map((sizes) => sizes[sizes.length === 1 ? 0 : i] ?? 0));
      return repeated(
        own.list("shape").length > 0 ? own.list("shape").map((one) => one.numbers("dim")) : shapes,
        layer,
      );
    },
  ],
  MemoryData: [
    "memory_data_param",
    (own) => [
      ["batch_size", "channels", "height", "width"].map((name) => own.number(name)),
      [own.number("batch_size")],
    ],
  ],
};

/**
 * The shape of top `top` of a source: `given`, or else the shape that the net declares.
 *
 * Errors: `ERR_BN_DATA` if the net declares none; `ERR_BN_PARAM` if the given one is not a shape.
 */
export function sourceShape(layer: NetworkLayer, top: number, given: Shape | undefined): Shape {
  const blob = layer.tops[top] as string;
  const [message, shapes] = Object.hasOwn(SHAPES, layer.type) ? (SHAPES[layer.type] ?? []) : [];
  const shape = given ?? (message && shapes?.(paramsOf(layer.param).params(message), layer)[top]);
  if (!shape) {
    throw new BnError(
      "ERR_BN_DATA",
      `${layer.label}: the net does not contain the shape of "${blob}"; pass it (${hint(layer, blob)})`,
    );
  }
  const count = countOf(shape);
  if (shape.every((size) => Number.isSafeInteger(size) && size > 0) && count <= MAX_COUNT) return shape;
  const code = given ? "ERR_BN_PARAM" : "ERR_BN_DATA";
  const what = `"${blob}" has shape [${shape}], expected sizes of 1 or more with a product of at most ${MAX_COUNT}`;
  throw new BnError(code, `${layer.label}: ${what}; give its shape (${hint(layer, blob)})`);
}

/** Adds the layer's own batch and crop sizes as a hint. */
function hint(layer: NetworkLayer, blob: string): string {
  const own = paramsOf(layer.param);
  const crop = own.params("transform_param").number("crop_size");
  const size = crop > 0 ? crop : 224;
  return `shapes of convertNet, --shape of bn: ${blob}=1,3,${size},${size} for one colour image`;
}

/**
 * Describes how a source transformed its images, which the user of the network has to do now; null if it did nothing.
 */
export function transformText(layer: NetworkLayer): string | null {
  const own = paramsOf(layer.param).params("transform_param");
  const steps: string[] = [];
  const means = own.numbers("mean_value");
  const crop = own.number("crop_size");
  if (own.flag("force_color")) steps.push("converted it to three channels");
  if (own.flag("force_gray")) steps.push("converted it to one channel");
  if (crop > 0) steps.push(`cropped ${crop} x ${crop} from its centre`);
  if (own.flag("mirror")) steps.push("mirrored half of the images at random");
  if (own.has("mean_file")) steps.push(`subtracted the mean image of ${own.text("mean_file")}`);
  if (means.length > 0)
    steps.push(
      `subtracted ${means.join(", ")} (mean_value${means.length > 1 ? " per channel, in the order of the data: BGR from Caffe's own tools" : ""})`,
    );
  if (own.number("scale") !== 1) steps.push(`multiplied by ${own.number("scale")} (scale)`);
  return steps.length === 0 ? null : steps.join(", then ");
}
