import type { LayerParameter } from "@bn/caffe";
import {
  add,
  apply,
  at,
  type Bounded,
  count,
  div,
  ETA,
  exact,
  exp,
  log,
  max,
  mul,
  pow,
  put,
  sigmoid,
  sum,
  type Tensor,
  tanh,
  U,
  zeros,
} from "./bounded.ts";
import { crop, flatten, join, permute, reshape, sliceApart, tile } from "./moves.ts";
import { batchNorm, lrn, mvn, scaleOrBias } from "./normalization.ts";
import { convolution, deconvolution, innerProduct, pooling } from "./windows.ts";

/** The arguments of a layer: its message, its inputs and its blobs. */
export interface Given {
  readonly layer: LayerParameter;
  readonly bottoms: readonly Tensor[];
  readonly blobs: readonly Tensor[];
}

export type Reference = (given: Given) => readonly Tensor[];

/** Applies a function element by element. */
function each({ bottoms: [x] }: Given, f: (x: Bounded, i: number) => Bounded): readonly Tensor[] {
  const bottom = x as Tensor;
  const top = zeros(bottom.shape);
  for (let i = 0; i < top.value.length; i++) put(top, i, f(at(bottom, i), i));
  return [top];
}

const scaled = (x: Bounded, factor: number) => (factor === 1 ? x : mul(x, exact(factor)));
const shifted = (x: Bounded, term: number) => (term === 0 ? x : add(x, exact(term)));
const positive = (x: Bounded): Bounded => max(x, exact(0));
/** A constant that the converter rounds to float32. */
const rounded = (v: number): Bounded => ({ v, e: U * Math.abs(v) });
const fround = Math.fround;

function elu({ v, e }: Bounded, alpha: number): Bounded {
  if (v > 0) return { v, e };
  const grown = exp({ v, e });
  return mul(exact(alpha), { v: Math.expm1(v), e: grown.e + U + ETA });
}

function softmax({ layer, bottoms: [x] }: Given): readonly Tensor[] {
  const bottom = x as Tensor;
  const { shape } = bottom;
  const given = layer.softmaxParam?.axis ?? 1;
  const axis = given < 0 ? given + shape.length : given;
  const [channels, inner] = [shape[axis] as number, count(shape, axis + 1)];
  const top = zeros(shape);
  for (let o = 0; o < count(shape, 0, axis); o++) {
    for (let i = 0; i < inner; i++) {
      const index = (c: number) => (o * channels + c) * inner + i;
      const row = Array.from({ length: channels }, (_, c) => at(bottom, index(c)));
      const largest = row.reduce(max);
      const powers = row.map((value) => exp(add(value, { v: -largest.v, e: largest.e })));
      const total = sum(powers);
      for (const [c, power] of powers.entries()) put(top, index(c), div(power, total));
    }
  }
  return [top];
}

function eltwise({ layer, bottoms }: Given): readonly Tensor[] {
  const { operation = 1, coeff = [] } = layer.eltwiseParam ?? {};
  const top = zeros((bottoms[0] as Tensor).shape);
  for (let i = 0; i < top.value.length; i++) {
    const values = bottoms.map((bottom) => at(bottom, i));
    const terms = values.map((value, k) => scaled(value, coeff[k] ?? 1));
    put(top, i, operation === 0 ? values.reduce(mul) : operation === 2 ? values.reduce(max) : sum(terms));
  }
  return [top];
}

/** Caffe sorts pairs of value and index in descending order, so among equal values the last one comes first. */
function argMax({ layer, bottoms: [x] }: Given): readonly Tensor[] {
  const { shape, value } = x as Tensor;
  const { topK = 1, outMaxVal = false } = layer.argmaxParam ?? {};
  const own = layer.argmaxParam;
  const set = own !== undefined && Object.hasOwn(own, "axis");
  const axis = set ? (own.axis < 0 ? own.axis + shape.length : own.axis) : 1;
  const [size, inner] = set ? [shape[axis] as number, count(shape, axis + 1)] : [count(shape, 1), 1];
  const outer = count(shape, 0, axis);
  const ranks = new Array<number>(Math.max(0, shape.length - 3)).fill(1);
  const top = zeros(set ? shape.with(axis, topK) : [outer, outMaxVal ? 2 : 1, topK, ...ranks]);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const found = Array.from({ length: size }, (_, c) => [value[(o * size + c) * inner + i] as number, c] as const);
      found.sort((a, b) => b[0] - a[0] || b[1] - a[1]);
      for (const [k, [best, place]] of found.slice(0, topK).entries()) {
        if (set) top.value[(o * topK + k) * inner + i] = outMaxVal ? best : place;
        else if (outMaxVal) [top.value[2 * o * topK + k], top.value[(2 * o + 1) * topK + k]] = [place, best];
        else top.value[o * topK + k] = place;
      }
    }
  }
  return [top];
}

function reduction({ layer, bottoms: [x] }: Given): readonly Tensor[] {
  const bottom = x as Tensor;
  const { operation = 1, axis: given = 0, coeff = 1 } = layer.reductionParam ?? {};
  const axis = given < 0 ? given + bottom.shape.length : given;
  const size = count(bottom.shape, axis);
  const top = zeros(bottom.shape.slice(0, axis));
  for (let o = 0; o < top.value.length; o++) {
    const values = Array.from({ length: size }, (_, i) => at(bottom, o * size + i));
    const terms = values.map((t) => (operation === 2 ? { v: Math.abs(t.v), e: t.e } : operation === 3 ? mul(t, t) : t));
    const total = sum(terms);
    put(top, o, scaled(operation === 4 ? div(total, exact(size)) : total, coeff));
  }
  return [top];
}

function power(given: Given): readonly Tensor[] {
  const { power: exponent = 1, scale = 1, shift = 0 } = given.layer.powerParam ?? {};
  const same = exponent === 0 ? 1 : fround(shift) ** fround(exponent);
  if (exponent * scale === 0) return each(given, () => rounded(same));
  return each(given, (x) => {
    const inner = shifted(scaled(x, fround(scale)), fround(shift));
    return exponent === 1 ? inner : pow(inner, fround(exponent));
  });
}

function exponential(given: Given): readonly Tensor[] {
  const { base = -1, scale = 1, shift = 0 } = given.layer.expParam ?? {};
  const inner = fround(scale) * (base === -1 ? 1 : Math.log(fround(base)));
  const outer = base === -1 ? Math.exp(fround(shift)) : fround(base) ** fround(shift);
  return each(given, (x) => {
    const grown = exp(inner === 1 ? x : mul(x, rounded(inner)));
    return shift === 0 ? grown : mul(grown, rounded(outer));
  });
}

function logarithm(given: Given): readonly Tensor[] {
  const { base = -1, scale = 1, shift = 0 } = given.layer.logParam ?? {};
  return each(given, (x) => {
    const found = log(shifted(scaled(x, fround(scale)), fround(shift)));
    return base === -1 ? found : mul(found, rounded(1 / Math.log(fround(base))));
  });
}

function prelu(given: Given): readonly Tensor[] {
  const {
    bottoms: [x],
    blobs: [slopes],
  } = given;
  const { shape } = x as Tensor;
  const inner = count(shape, 2);
  const slope = (i: number) =>
    at(slopes as Tensor, slopes?.value.length === 1 ? 0 : Math.floor(i / inner) % (shape[1] as number));
  return each(given, (value, i) => (value.v > 0 ? value : mul(slope(i), value)));
}

/** y = f(x) by Caffe's formula for each layer type, in alphabetical order. */
export const REFERENCE: Readonly<Record<string, Reference>> = {
  AbsVal: (given) => each(given, ({ v, e }) => ({ v: Math.abs(v), e })),
  ArgMax: argMax,
  BatchNorm: batchNorm,
  Bias: (given) => scaleOrBias(given, "Bias"),
  BNLL: (given) =>
    each(given, (x) => {
      const f = (v: number) => (v > 0 ? v + Math.log1p(Math.exp(-v)) : Math.log1p(Math.exp(v)));
      // e^x + 1 is rounded before its logarithm is taken, which gives an error relative to 1, whatever the result is.
      const found = apply(x, f, () => 1, U, true);
      return { v: found.v, e: found.e + 4 * U * Math.abs(found.v) + 2 * U };
    }),
  Clip: (given) => {
    const { min = 0, max: most = 0 } = given.layer.clipParam ?? {};
    return each(given, ({ v, e }) => ({ v: Math.min(Math.max(v, fround(min)), fround(most)), e }));
  },
  Concat: join,
  Convolution: convolution,
  Crop: crop,
  Deconvolution: deconvolution,
  Dropout: (given) => each(given, (x) => x),
  ELU: (given) => each(given, (x) => elu(x, fround(given.layer.eluParam?.alpha ?? 1))),
  Eltwise: eltwise,
  Exp: exponential,
  Flatten: flatten,
  InnerProduct: innerProduct,
  Log: logarithm,
  LRN: lrn,
  MVN: mvn,
  Permute: permute,
  Pooling: pooling,
  Power: power,
  PReLU: prelu,
  Reduction: reduction,
  ReLU: (given) => {
    const slope = fround(given.layer.reluParam?.negativeSlope ?? 0);
    return each(given, (x) => (slope === 0 ? positive(x) : x.v > 0 ? x : mul(x, exact(slope))));
  },
  Reshape: reshape,
  Scale: (given) => scaleOrBias(given, "Scale"),
  Sigmoid: (given) => each(given, sigmoid),
  Slice: sliceApart,
  Softmax: softmax,
  SoftmaxWithLoss: softmax,
  Split: (given) => given.layer.top.flatMap(() => each(given, (x) => x)),
  Swish: (given) => each(given, (x) => mul(x, sigmoid(scaled(x, fround(given.layer.swishParam?.beta ?? 1))))),
  TanH: (given) => each(given, tanh),
  Threshold: (given) => each(given, ({ v }) => exact(v > fround(given.layer.thresholdParam?.threshold ?? 0) ? 1 : 0)),
  Tile: tile,
};
