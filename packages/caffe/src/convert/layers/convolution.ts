import type { Shape } from "@bn/core";
import { axisOf, type Context, constant, emit, fail, weight } from "../context.ts";
import { countOf, type Value } from "../graph.ts";
import { reshape } from "../operators.ts";
import type { Params } from "../params.ts";

/** The sizes of windows, per spatial axis. */
interface Windows {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly pad: readonly number[];
  readonly dilation: readonly number[];
}

interface Place {
  /** True if there are no spatial axes; the weights in the file then have none either. */
  readonly flat: boolean;
  readonly group: number;
  readonly outputs: number;
  readonly bias: boolean;
}

/**
 * Convolution: out = (in + 2 pad - (dilation (kernel - 1) + 1)) / stride + 1, rounded down. It can have any number of
 * bottoms.
 */
export function convolution(context: Context): void {
  eachBottom(context, (bottom, spatial, { flat, group, outputs, bias }, windows) => {
    const { layer } = context;
    const channels = bottom.shape[1] as number;
    checkGroup(layer, group, channels, outputs);
    const sizes = spatial.map((size, i) => {
      const [extent, stride, pad] = extentOf(windows, i);
      return Math.floor((size + 2 * pad - extent) / stride) + 1;
    });
    const shape = [bottom.shape[0] as number, outputs, ...sizes];
    const kernelShape = [outputs, channels / group, ...windows.kernel];
    return convolve(context, "Conv", bottom, {
      stored: flat ? kernelShape.slice(0, 2) : kernelShape,
      kernelShape,
      shape,
      bias,
      outputs,
      group,
      windows,
    });
  });
}

function checkGroup(layer: Context["layer"], group: number, channels: number, outputs: number): void {
  const not = (what: string) => fail(layer, `group is ${group}, expected a divisor of ${what}`);
  if (channels % group !== 0) not(`the number of channels, ${channels}`);
  if (outputs % group !== 0) not(`num_output, ${outputs}`);
}

/** Deconvolution: out = stride (in - 1) + dilation (kernel - 1) + 1 - 2 pad. */
export function deconvolution(context: Context): void {
  eachBottom(context, (bottom, spatial, { flat, group, outputs, bias }, windows) => {
    const { layer } = context;
    const channels = bottom.shape[1] as number;
    checkGroup(layer, group, channels, outputs);
    const sizes = spatial.map((size, i) => {
      const [extent, stride, pad] = extentOf(windows, i);
      return stride * (size - 1) + extent - 2 * pad;
    });
    const shape = [bottom.shape[0] as number, outputs, ...sizes];
    const kernelShape = [channels, outputs / group, ...windows.kernel];
    return convolve(context, "ConvTranspose", bottom, {
      stored: flat ? kernelShape.slice(0, 2) : kernelShape,
      kernelShape,
      shape,
      bias,
      outputs,
      group,
      windows,
    });
  });
}

function extentOf({ kernel, stride, pad, dilation }: Windows, i: number): [number, number, number] {
  const extent = (dilation[i] as number) * ((kernel[i] as number) - 1) + 1;
  return [extent, stride[i] as number, pad[i] as number];
}

interface Wanted {
  /** The shape of the weights in the file. */
  readonly stored: Shape;
  readonly kernelShape: Shape;
  readonly shape: Shape;
  readonly bias: boolean;
  readonly outputs: number;
  readonly group: number;
  readonly windows: Windows;
}

function convolve(context: Context, op: string, bottom: Value, wanted: Wanted): Value {
  const { stored, kernelShape, shape, bias, outputs, group, windows } = wanted;
  const { layer } = context;
  if (shape.some((size) => size < 1)) {
    fail(layer, `top would have shape [${shape}] of a bottom [${bottom.shape}]; the input may be too small`);
  }
  const inputs = [bottom, constant(context, "weight", kernelShape, weight(context, 0, "weights", stored))];
  if (bias) inputs.push(constant(context, "bias", [outputs], weight(context, 1, "a bias", [outputs])));
  const { kernel, stride, pad, dilation } = windows;
  return emit(context, op, inputs, shape, {
    kernel_shape: kernel,
    strides: stride,
    pads: [...pad, ...pad],
    dilations: dilation,
    group,
  });
}

/** Calls `make` for every bottom, reshaped to [N, C, spatial...], and reshapes the result back. */
function eachBottom(
  context: Context,
  make: (bottom: Value, spatial: Shape, place: Place, windows: Windows) => Value,
): void {
  const { layer, bottoms, params, top } = context;
  const own = params("convolution_param");
  if (bottoms.length === 0 || bottoms.length !== layer.tops.length) {
    fail(layer, `has ${bottoms.length} bottoms and ${layer.tops.length} tops, expected one top per bottom`);
  }
  const outputs = positive(context, own, "num_output");
  const group = positive(context, own, "group");
  for (const [i, bottom] of bottoms.entries()) {
    const axis = axisOf(context, own.number("axis"), bottom.shape.length);
    const spatial = bottom.shape.slice(axis + 1);
    const windows = windowsOf(context, own, spatial.length);
    const lead = bottom.shape.slice(0, axis);
    // ONNX needs at least one spatial axis, and exactly one axis of images.
    const seen = spatial.length === 0 ? [1] : spatial;
    const images = [countOf(lead), bottom.shape[axis] as number, ...seen];
    const result = make(
      reshape(context, bottom, images),
      seen,
      { flat: spatial.length === 0, group, outputs, bias: own.flag("bias_term") },
      windows,
    );
    const sizes = spatial.length === 0 ? [] : result.shape.slice(2);
    top(i, reshape(context, result, [...lead, outputs, ...sizes]));
  }
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
