import { countOf } from "../../count.ts";
import { axisOf, type Context, type Converter, constant, emit, fail, weight } from "../context.ts";
import type { Value } from "../graph.ts";
import { reshape } from "../operators.ts";
import type { Params } from "../params.ts";

/** The sizes of windows, per spatial axis. */
interface Windows {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly pad: readonly number[];
  readonly dilation: readonly number[];
}

/** What a convolution and its transpose do differently. */
interface Kind {
  readonly op: string;
  readonly size: (size: number, window: { extent: number; stride: number; pad: number }) => number;
  /** The first two axes of the weights. */
  readonly axes: (channels: number, outputs: number, group: number) => readonly [number, number];
}

/**
 * Convolution: out = (in + 2 pad - (dilation (kernel - 1) + 1)) / stride + 1, rounded down. It can have any number of
 * bottoms.
 */
export const convolution = ofKind({
  op: "Conv",
  size: (size, { extent, stride, pad }) => Math.floor((size + 2 * pad - extent) / stride) + 1,
  axes: (channels, outputs, group) => [outputs, channels / group],
});

/** Deconvolution: out = stride (in - 1) + dilation (kernel - 1) + 1 - 2 pad. */
export const deconvolution = ofKind({
  op: "ConvTranspose",
  size: (size, { extent, stride, pad }) => stride * (size - 1) + extent - 2 * pad,
  axes: (channels, outputs, group) => [channels, outputs / group],
});

/** Converts every bottom, reshaped to [N, C, spatial...], and reshapes the result back. */
function ofKind(kind: Kind): Converter {
  return (context) => {
    const { layer, bottoms, params, top } = context;
    const own = params("convolution_param");
    if (bottoms.length === 0 || bottoms.length !== layer.tops.length) {
      fail(layer, `has ${bottoms.length} bottoms and ${layer.tops.length} tops, expected one top per bottom`);
    }
    const outputs = positive(context, own, "num_output");
    for (const [i, bottom] of bottoms.entries()) {
      const axis = axisOf(context, own.number("axis"), bottom.shape.length);
      const spatial = bottom.shape.slice(axis + 1);
      const lead = bottom.shape.slice(0, axis);
      const flat = spatial.length === 0;
      const windows = windowsOf(context, own, spatial.length);
      // ONNX needs at least one spatial axis, and exactly one axis of images.
      const images = [countOf(lead), bottom.shape[axis] as number, ...(flat ? [1] : spatial)];
      const result = convolve(context, kind, own, reshape(context, bottom, images), windows, flat);
      top(i, reshape(context, result, [...lead, outputs, ...(flat ? [] : result.shape.slice(2))]));
    }
  };
}

/** If the layer is `flat`, without spatial axes, the weights in the file have none either. */
function convolve(context: Context, kind: Kind, own: Params, bottom: Value, windows: Windows, flat: boolean): Value {
  const { layer } = context;
  const [outputs, group] = [positive(context, own, "num_output"), positive(context, own, "group")];
  const [images = 1, channels = 1, ...spatial] = bottom.shape;
  const not = (what: string) => fail(layer, `group is ${group}, expected a divisor of ${what}`);
  if (channels % group !== 0) not(`the number of channels, ${channels}`);
  if (outputs % group !== 0) not(`num_output, ${outputs}`);
  const { kernel, stride, pad, dilation } = windows;
  const sizes = spatial.map((size, i) => {
    const extent = (dilation[i] as number) * ((kernel[i] as number) - 1) + 1;
    return kind.size(size, { extent, stride: stride[i] as number, pad: pad[i] as number });
  });
  const shape = [images, outputs, ...sizes];
  if (shape.some((size) => size < 1)) {
    fail(layer, `top would have shape [${shape}] of a bottom [${bottom.shape}]; the input may be too small`);
  }
  const kernelShape = [...kind.axes(channels, outputs, group), ...kernel];
  const weights = weight(context, 0, "weights", flat ? kernelShape.slice(0, 2) : kernelShape);
  const inputs = [bottom, constant(context, "weight", kernelShape, weights)];
  if (own.flag("bias_term")) inputs.push(constant(context, "bias", [outputs], weight(context, 1, "a bias", [outputs])));
  const pads = [...pad, ...pad];
  return emit(context, kind.op, inputs, shape, {
    kernel_shape: kernel,
    strides: stride,
    pads,
    dilations: dilation,
    group,
  });
}

function windowsOf(context: Context, own: Params, axes: number): Windows {
  const { layer } = context;
  if (axes === 0) return { kernel: [1], stride: [1], pad: [0], dilation: [1] };
  const kernel = perAxis(context, own, "kernel_size", "kernel", axes, null, 1);
  const windows: Windows = {
    kernel,
    stride: perAxis(context, own, "stride", "stride", axes, 1, 1),
    pad: perAxis(context, own, "pad", "pad", axes, 0, 0),
    dilation: perAxis(context, own, "dilation", null, axes, 1, 1),
  };
  if (axes > 3) fail(layer, `has ${axes} spatial axes, expected at most 3, the limit of ONNX Runtime`);
  return windows;
}

/** The values of a field that is given once for all axes or once per axis; for two axes also as `stem_h` and `stem_w`. */
function perAxis(
  { layer }: Context,
  own: Params,
  name: string,
  stem: string | null,
  axes: number,
  absent: number | null,
  least: number,
): readonly number[] {
  const listed = own.numbers(name);
  const two = stem !== null && (own.has(`${stem}_h`) || own.has(`${stem}_w`));
  if (two && axes !== 2)
    fail(layer, `${stem}_h and ${stem}_w are for two spatial axes, and the bottom has ${axes}; give ${name} per axis`);
  if (two && listed.length > 0) fail(layer, `has ${name} and ${stem}_h or ${stem}_w; give one of them`);
  const values = two ? [own.number(`${stem}_h`), own.number(`${stem}_w`)] : listed;
  if (values.length === 0) {
    if (absent === null) fail(layer, `has no ${name}`);
    return new Array<number>(axes).fill(absent ?? 0);
  }
  if (values.length !== 1 && values.length !== axes) {
    fail(layer, `has ${values.length} values of ${name}, expected 1 or ${axes}, one per spatial axis`);
  }
  const found = values.length === 1 ? new Array<number>(axes).fill(values[0] as number) : values;
  if (!found.every((value) => value >= least))
    fail(layer, `${name} is ${found.join(", ")}, expected at least ${least}`);
  return found;
}

export function positive({ layer }: Context, own: Params, name: string): number {
  const value = own.number(name);
  if (value >= 1) return value;
  return fail(layer, own.has(name) ? `${name} is ${value}, expected 1 or more` : `has no ${name}`);
}
