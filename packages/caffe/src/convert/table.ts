import type { Context } from "./context.ts";
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
export const CONVERTERS: Readonly<Record<string, (context: Context) => void>> = {
  AbsVal: unary("Abs"),
  ArgMax: argMax,
  BatchNorm: batchNorm,
  Bias: bias,
  BN: batchNorm,
  BNLL: unary("Softplus"),
  Clip: clip,
  Concat: concat,
  Convolution: convolution,
  Crop: crop,
  Deconvolution: deconvolution,
  Dropout: splitLayer,
  ELU: elu,
  Eltwise: eltwise,
  Exp: exp,
  Flatten: flatten,
  InnerProduct: innerProduct,
  Log: log,
  LRN: lrn,
  MVN: mvn,
  Permute: permute,
  Pooling: pooling,
  Power: power,
  PReLU: prelu,
  Reduction: reduction,
  ReLU: relu,
  Reshape: reshapeLayer,
  Scale: scaleLayer,
  Sigmoid: unary("Sigmoid"),
  Slice: sliceLayer,
  Softmax: softmaxLayer,
  SoftmaxWithLoss: softmaxWithLoss,
  Split: splitLayer,
  Swish: swish,
  TanH: unary("Tanh"),
  Threshold: threshold,
  Tile: tile,
};
