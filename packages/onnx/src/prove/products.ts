import type { Shape } from "@bn/core";
import type { NodeProto } from "onnx-buf";
import { attributeOf, intOf, textOf } from "../graph/proto.ts";

/** Calls `visit` with the index of the weight and of the value, for every product in the sum that gives output `y`. */
type Products = (y: number, visit: (weight: number, x: number) => void) => void;

/** How a linear layer computes its outputs from an input of a given shape. */
export interface LinearMap {
  readonly products: Products;
  /** The axis of the channels in x, and in y. */
  readonly xAxis: number;
  readonly yAxis: number;
}

/** A layer's node, with the shapes of its input, weights and output. */
export interface Operands {
  readonly node: NodeProto;
  readonly x: Shape;
  readonly weights: Shape;
  readonly y: Shape;
}

const ints = (node: NodeProto, name: string, count: number, absent: number) => {
  const found = attributeOf(node, name)?.ints ?? [];
  return Array.from({ length: count }, (_, i) => Number(found[i] ?? absent));
};
const product = (shape: Shape) => shape.reduce((a, b) => a * b, 1);

/** The zeros before the first value of an axis, out of `total` that are needed on both sides. */
function padsBefore(node: NodeProto, totals: readonly number[], transposed: boolean): number[] {
  const auto = textOf(node, "auto_pad") || "NOTSET";
  const own = ints(node, "pads", totals.length, 0);
  if (auto === "VALID") return totals.map(() => 0);
  if (auto === "NOTSET" && !(transposed && attributeOf(node, "output_shape"))) return own;
  return totals.map((total) => {
    const all = Math.max(total, 0);
    // An odd zero is placed behind for SAME_UPPER, and before for the others.
    return auto === "SAME_UPPER" ? Math.floor(all / 2) : Math.ceil(all / 2);
  });
}

/** Converts an index to coordinates over the axes of `sizes`. */
function coordinates(index: number, sizes: Shape): number[] {
  const found: number[] = new Array(sizes.length);
  let rest = index;
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    const size = sizes[axis] as number;
    found[axis] = rest % size;
    rest = Math.floor(rest / size);
  }
  return found;
}

/** Convolutions of both kinds. */
function windowed(operands: Operands, transposed: boolean): LinearMap {
  const { node, x, weights, y } = operands;
  const [kernel, inside, outside] = [weights.slice(2), x.slice(2), y.slice(2)];
  const place = placeOf(operands, transposed);
  const group = intOf(node, "group", 1);
  const [inputs, outputs] = [x[1] ?? 1, y[1] ?? 1];
  const [perGroup, ofGroup] = [inputs / group, outputs / group];
  const [kernelSize, insideSize, outsideSize] = [product(kernel), product(inside), product(outside)];
  const offsets = Array.from({ length: kernelSize }, (_, k) => coordinates(k, kernel));
  const products: Products = (index, visit) => {
    const at = coordinates(index % outsideSize, outside);
    const o = Math.floor(index / outsideSize) % outputs;
    const n = Math.floor(index / (outsideSize * outputs));
    const first = Math.floor(o / ofGroup) * perGroup;
    for (const [k, offset] of offsets.entries()) {
      let from = 0;
      for (let axis = 0; axis < kernel.length && from >= 0; axis++) {
        const i = place(at[axis] as number, offset[axis] as number, axis);
        from = i < 0 || i >= (inside[axis] as number) ? -1 : from * (inside[axis] as number) + i;
      }
      if (from < 0) continue;
      for (let c = 0; c < perGroup; c++) {
        const row = transposed ? (first + c) * ofGroup + (o % ofGroup) : o * perGroup + c;
        visit(row * kernelSize + k, (n * inputs + first + c) * insideSize + from);
      }
    }
  };
  return { products, xAxis: 1, yAxis: 1 };
}

/** Says where in x, along an axis, an output and a position of the kernel meet; -1 for a place between strides. */
function placeOf({ node, x, weights, y }: Operands, transposed: boolean) {
  const axes = weights.length - 2;
  const [strides, dilations] = [ints(node, "strides", axes, 1), ints(node, "dilations", axes, 1)];
  const extra = ints(node, "output_padding", axes, 0);
  // A transposed convolution computes its x as a convolution computes its y.
  const [small, large] = transposed ? [x, y] : [y, x];
  const totals = strides.map((stride, i) => {
    const reach = ((weights[i + 2] ?? 1) - 1) * (dilations[i] as number) + 1;
    const more = transposed ? (extra[i] as number) : 0;
    return stride * ((small[i + 2] ?? 1) - 1) + more + reach - (large[i + 2] ?? 1);
  });
  const pads = padsBefore(node, totals, transposed);
  return (out: number, k: number, axis: number) => {
    const [stride, pad, offset] = [strides[axis] as number, pads[axis] as number, k * (dilations[axis] as number)];
    if (!transposed) return out * stride - pad + offset;
    const from = out + pad - offset;
    return from >= 0 && from % stride === 0 ? from / stride : -1;
  };
}

function gemm({ node, x, weights }: Operands): LinearMap {
  const [transA, transB] = [intOf(node, "transA", 0) !== 0, intOf(node, "transB", 0) !== 0];
  const [rows = 1, columns = 1] = weights;
  const [inputs, outputs] = transB ? [columns, rows] : [rows, columns];
  const batch = product(x) / inputs;
  const products: Products = (index, visit) => {
    const [m, o] = [Math.floor(index / outputs), index % outputs];
    for (let c = 0; c < inputs; c++) {
      visit(transB ? o * inputs + c : c * outputs + o, transA ? c * batch + m : m * inputs + c);
    }
  };
  return { products, xAxis: transA ? 0 : 1, yAxis: 1 };
}

const MAPS: Readonly<Record<string, (operands: Operands) => LinearMap>> = {
  Conv: (operands) => windowed(operands, false),
  ConvTranspose: (operands) => windowed(operands, true),
  Gemm: gemm,
  // A Gemm without its attributes, over the last axes.
  MatMul: (operands) => ({ ...gemm(operands), xAxis: operands.x.length - 1, yAxis: operands.y.length - 1 }),
};

/** How the layer computes its outputs. `node` must be one that has weights. */
export function linearMapOf(operands: Operands): LinearMap {
  const map = MAPS[operands.node.opType];
  if (map === undefined) throw new RangeError(`${operands.node.opType} has no weights`);
  return map(operands);
}

/** The channel of element `i` of a tensor. */
export function channelIn(shape: Shape, axis: number): (i: number) => number {
  const [size, inner] = [shape[axis] ?? 1, product(shape.slice(axis + 1))];
  return (i) => Math.floor(i / inner) % size;
}
