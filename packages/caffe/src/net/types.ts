import { V1LayerParameter_LayerType } from "../schema/caffe_pb.ts";

const TYPES = V1LayerParameter_LayerType;

/** Names that differ from the old ones in more than case. */
const RENAMED: Readonly<Record<string, string>> = {
  ABSVAL: "AbsVal",
  ARGMAX: "ArgMax",
  BNLL: "BNLL",
  HDF5_DATA: "HDF5Data",
  HDF5_OUTPUT: "HDF5Output",
  LRN: "LRN",
  MVN: "MVN",
  RELU: "ReLU",
  SOFTMAX_LOSS: "SoftmaxWithLoss",
  TANH: "TanH",
};

/** The current layer type for each number of V1. */
export const TYPE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(TYPES)
    .filter(([name]) => name !== "NONE")
    .map(([name, number]) => [number, RENAMED[name] ?? camel(name)]),
);

/** INNER_PRODUCT is InnerProduct. */
function camel(name: string): string {
  return name
    .split("_")
    .map((part) => part.charAt(0) + part.slice(1).toLowerCase())
    .join("");
}

/** The number of V1 for each type of V0. */
export const V0_TYPES: Readonly<Record<string, V1LayerParameter_LayerType>> = {
  accuracy: TYPES.ACCURACY,
  bnll: TYPES.BNLL,
  concat: TYPES.CONCAT,
  conv: TYPES.CONVOLUTION,
  data: TYPES.DATA,
  dropout: TYPES.DROPOUT,
  euclidean_loss: TYPES.EUCLIDEAN_LOSS,
  flatten: TYPES.FLATTEN,
  hdf5_data: TYPES.HDF5_DATA,
  hdf5_output: TYPES.HDF5_OUTPUT,
  im2col: TYPES.IM2COL,
  images: TYPES.IMAGE_DATA,
  infogain_loss: TYPES.INFOGAIN_LOSS,
  innerproduct: TYPES.INNER_PRODUCT,
  lrn: TYPES.LRN,
  multinomial_logistic_loss: TYPES.MULTINOMIAL_LOGISTIC_LOSS,
  pool: TYPES.POOLING,
  relu: TYPES.RELU,
  sigmoid: TYPES.SIGMOID,
  softmax: TYPES.SOFTMAX,
  softmax_loss: TYPES.SOFTMAX_LOSS,
  split: TYPES.SPLIT,
  tanh: TYPES.TANH,
  window_data: TYPES.WINDOW_DATA,
};
