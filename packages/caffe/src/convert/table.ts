import { type Converter, joined, single } from "./context.ts";
import { batchNorm } from "./layers/batch-norm.ts";
import { convolution, deconvolution } from "./layers/convolution.ts";
import {
  clip,
  eltwise,
  elu,
  exp,
  log,
  power,
  prelu,
  relu,
  splitLayer,
  swish,
  threshold,
  unary,
} from "./layers/elementwise.ts";
import { innerProduct } from "./layers/inner-product.ts";
import { bias, lrn, mvn, scaleLayer } from "./layers/normalization.ts";
import { pooling } from "./layers/pooling.ts";
import { argMax, reduction, softmaxLayer, softmaxWithLoss } from "./layers/reduction.ts";
import { concat, crop, flatten, permute, reshapeLayer, sliceLayer, tile } from "./layers/shape.ts";

/** The converter of each layer type. Inputs and layers that are dropped are handled elsewhere. */
export const CONVERTERS: Readonly<Record<string, Converter>> = {
  AbsVal: unary("Abs"),
  ArgMax: single(argMax),
  BatchNorm: batchNorm,
  Bias: joined(bias),
  BN: batchNorm,
  BNLL: unary("Softplus"),
  Clip: single(clip),
  Concat: joined(concat),
  Convolution: convolution,
  Crop: joined(crop),
  Deconvolution: deconvolution,
  Dropout: splitLayer,
  ELU: single(elu),
  Eltwise: joined(eltwise),
  Exp: single(exp),
  Flatten: single(flatten),
  InnerProduct: single(innerProduct),
  Log: single(log),
  LRN: single(lrn),
  MVN: single(mvn),
  Permute: single(permute),
  Pooling: single(pooling),
  Power: single(power),
  PReLU: single(prelu),
  Reduction: single(reduction),
  ReLU: single(relu),
  Reshape: single(reshapeLayer),
  Scale: joined(scaleLayer),
  Sigmoid: unary("Sigmoid"),
  Slice: sliceLayer,
  Softmax: single(softmaxLayer),
  SoftmaxWithLoss: softmaxWithLoss,
  Split: splitLayer,
  Swish: single(swish),
  TanH: unary("Tanh"),
  Threshold: single(threshold),
  Tile: single(tile),
};
