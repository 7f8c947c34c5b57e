import type { ConvolutionParameter } from "@bn/caffe";
import { at, type Bounded, count, div, ETA, exact, max, put, sum, type Tensor, U, zeros } from "./bounded.ts";
import type { Given } from "./layers.ts";

/** Layers with windows, written like Caffe's loops. */

interface Windows {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly pad: readonly number[];
  readonly dilation: readonly number[];
}

function windowsOf(own: ConvolutionParameter | undefined, axes: number): Windows {
  const list = (values: readonly number[] = [], absent: number) =>
    Array.from({ length: axes }, (_, i) => values[values.length === 1 ? 0 : i] ?? absent);
  const two = (h: "kernelH" | "strideH" | "padH", w: "kernelW" | "strideW" | "padW") =>
    own !== undefined && (Object.hasOwn(own, h) || Object.hasOwn(own, w)) ? [own[h], own[w]] : null;
  return {
    kernel: two("kernelH", "kernelW") ?? list(own?.kernelSize, 1),
    stride: two("strideH", "strideW") ?? list(own?.stride, 1),
    pad: two("padH", "padW") ?? list(own?.pad, 0),
    dilation: list(own?.dilation, 1),
  };
}

/** Calls `visit` for every position of a shape. */
function everywhere(shape: readonly number[], visit: (place: readonly number[], index: number) => void): void {
  const place = new Array<number>(shape.length).fill(0);
  for (let index = 0; index < count(shape); index++) {
    visit(place, index);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place[axis] = (place[axis] as number) + 1;
      if ((place[axis] as number) < (shape[axis] as number)) break;
      place[axis] = 0;
    }
  }
}

/** Sums of products: the value, the error of the inputs, and the magnitude of the terms. */
interface Sums {
  readonly value: Float64Array;
  readonly error: Float64Array;
  readonly size: Float64Array;
}

/** Terms are added in any order, and each product is rounded: (terms + 1) u of the sum of magnitudes. */
function finish({ value, error, size }: Sums, shape: readonly number[], terms: number): Tensor {
  return { shape, value, error: error.map((e, i) => e + U * (terms + 1) * ((size[i] as number) + e) + ETA * terms) };
}

/** Adds to `sums[to]` the product of a weight and a value for each tap that is inside. */
function convolve(given: Given, bottom: Tensor, transposed: boolean): Tensor {
  const { layer, blobs } = given;
  const own = layer.convolutionParam;
  const axis = own === undefined || own.axis >= 0 ? (own?.axis ?? 1) : own.axis + bottom.shape.length;
  const [images, channels, sizes] = [
    count(bottom.shape, 0, axis),
    bottom.shape[axis] as number,
    bottom.shape.slice(axis + 1),
  ];
  const { kernel, stride, pad, dilation } = windowsOf(own, sizes.length);
  const outputs = own?.numOutput ?? 0;
  const group = own?.group ?? 1;
  const extent = sizes.map((_, i) => (dilation[i] as number) * ((kernel[i] as number) - 1) + 1);
  const grown = sizes.map((size, i) => {
    const [s, p] = [stride[i] as number, pad[i] as number];
    return transposed
      ? s * (size - 1) + (extent[i] as number) - 2 * p
      : Math.trunc((size + 2 * p - (extent[i] as number)) / s) + 1;
  });
  const shape = [...bottom.shape.slice(0, axis), outputs, ...grown];
  const [small, large] = transposed ? [sizes, grown] : [grown, sizes];
  const [inside, outside] = [count(sizes), count(grown)];
  const taps = count(kernel);
  const [perIn, perOut] = [channels / group, outputs / group];
  const weights = (blobs[0] as Tensor).value;
  const sums: Sums = {
    value: new Float64Array(count(shape)),
    error: new Float64Array(count(shape)),
    size: new Float64Array(count(shape)),
  };
  // For each tap, the pairs of elements of the small and the large side that it connects.
  const pairs: (readonly [number, number, number])[] = [];
  everywhere(kernel, (tap, k) => {
    everywhere(small, (place, index) => {
      const landed = place.map(
        (p, i) => p * (stride[i] as number) - (pad[i] as number) + (tap[i] as number) * (dilation[i] as number),
      );
      if (!landed.every((p, i) => p >= 0 && p < (large[i] as number))) return;
      const other = landed.reduce((sum, p, i) => sum * (large[i] as number) + p, 0);
      pairs.push(transposed ? [k, index, other] : [k, other, index]);
    });
  });
  for (let n = 0; n < images; n++) {
    for (let o = 0; o < outputs; o++) {
      const g = Math.floor(o / perOut);
      const to = (n * outputs + o) * outside;
      for (let c = 0; c < perIn; c++) {
        const from = (n * channels + g * perIn + c) * inside;
        const row = (transposed ? (g * perIn + c) * perOut + (o % perOut) : o * perIn + c) * taps;
        for (const [k, source, target] of pairs) {
          const [w, x] = [weights[row + k] as number, bottom.value[from + source] as number];
          const i = to + target;
          sums.value[i] = (sums.value[i] as number) + w * x;
          sums.size[i] = (sums.size[i] as number) + Math.abs(w * x);
          sums.error[i] = (sums.error[i] as number) + Math.abs(w) * (bottom.error[from + source] as number);
        }
      }
    }
  }
  addBias(sums, own?.biasTerm === false ? undefined : blobs[1], outputs, outside);
  return finish(sums, shape, perIn * taps + 1);
}

function addBias({ value, size }: Sums, bias: Tensor | undefined, channels: number, inner: number): void {
  for (let i = 0; bias && i < value.length; i++) {
    const b = bias.value[Math.floor(i / inner) % channels] as number;
    value[i] = (value[i] as number) + b;
    size[i] = (size[i] as number) + Math.abs(b);
  }
}

export const convolution = (given: Given): readonly Tensor[] => given.bottoms.map((one) => convolve(given, one, false));
export const deconvolution = (given: Given): readonly Tensor[] =>
  given.bottoms.map((one) => convolve(given, one, true));

export function innerProduct({ layer, bottoms: [x], blobs }: Given): readonly Tensor[] {
  const bottom = x as Tensor;
  const own = layer.innerProductParam;
  const axis = (own?.axis ?? 1) < 0 ? (own?.axis ?? 1) + bottom.shape.length : (own?.axis ?? 1);
  const [rows, inputs, outputs] = [count(bottom.shape, 0, axis), count(bottom.shape, axis), own?.numOutput ?? 0];
  const weights = (blobs[0] as Tensor).value;
  const shape = [...bottom.shape.slice(0, axis), outputs];
  const sums: Sums = {
    value: new Float64Array(count(shape)),
    error: new Float64Array(count(shape)),
    size: new Float64Array(count(shape)),
  };
  for (let n = 0; n < rows; n++) {
    for (let o = 0; o < outputs; o++) {
      const i = n * outputs + o;
      for (let k = 0; k < inputs; k++) {
        const w = weights[own?.transpose ? k * outputs + o : o * inputs + k] as number;
        const term = w * (bottom.value[n * inputs + k] as number);
        sums.value[i] = (sums.value[i] as number) + term;
        sums.size[i] = (sums.size[i] as number) + Math.abs(term);
        sums.error[i] = (sums.error[i] as number) + Math.abs(w) * (bottom.error[n * inputs + k] as number);
      }
    }
  }
  addBias(sums, own?.biasTerm === false ? undefined : blobs[1], outputs, 1);
  return [finish(sums, shape, inputs + 1)];
}

/** Caffe's PoolingLayer: Reshape and Forward_cpu. */
export function pooling({ layer, bottoms: [x] }: Given): readonly Tensor[] {
  const bottom = x as Tensor;
  const own = layer.poolingParam;
  const sizes = bottom.shape.slice(2);
  const has = (name: string) => own !== undefined && Object.hasOwn(own, name);
  const pair = (all: number, h: "kernelH" | "strideH" | "padH", w: "kernelW" | "strideW" | "padW") =>
    own !== undefined && has(h) ? [own[h], own[w]] : [all, all];
  const global = own?.globalPooling ?? false;
  const kernel = global ? sizes : pair(own?.kernelSize ?? 0, "kernelH", "kernelW");
  const stride = pair(own?.stride ?? 1, "strideH", "strideW");
  const pads = pair(own?.pad ?? 0, "padH", "padW");
  const round = own?.roundMode === 1 ? Math.floor : Math.ceil;
  const pooled = sizes.map((size, i) => {
    const [k, s, p] = [kernel[i] as number, stride[i] as number, pads[i] as number];
    const found = round((size + 2 * p - k) / s) + 1;
    return pads.some((cells) => cells > 0) && (found - 1) * s >= size + p ? found - 1 : found;
  });
  const top = zeros([...bottom.shape.slice(0, 2), ...pooled]);
  const [height, width] = sizes as [number, number];
  const [rows, columns] = pooled as [number, number];
  for (let plane = 0; plane < count(bottom.shape, 0, 2); plane++) {
    for (let ph = 0; ph < rows; ph++) {
      for (let pw = 0; pw < columns; pw++) {
        let [hstart, wstart] = [
          ph * (stride[0] as number) - (pads[0] as number),
          pw * (stride[1] as number) - (pads[1] as number),
        ];
        let hend = Math.min(hstart + (kernel[0] as number), height + (pads[0] as number));
        let wend = Math.min(wstart + (kernel[1] as number), width + (pads[1] as number));
        const cells = (hend - hstart) * (wend - wstart);
        [hstart, wstart, hend, wend] = [
          Math.max(hstart, 0),
          Math.max(wstart, 0),
          Math.min(hend, height),
          Math.min(wend, width),
        ];
        const seen: Bounded[] = [];
        for (let h = hstart; h < hend; h++)
          for (let w = wstart; w < wend; w++) seen.push(at(bottom, (plane * height + h) * width + w));
        const result = own?.pool === 1 ? div(sum(seen), exact(cells)) : seen.reduce(max, exact(-3.4028234663852886e38));
        put(top, (plane * rows + ph) * columns + pw, result);
      }
    }
  }
  return [top];
}
