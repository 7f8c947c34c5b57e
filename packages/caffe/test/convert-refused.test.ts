import { expect, test } from "vitest";
import { type Blobs, convert, INPUT, layer } from "./convert-kit.ts";

const conv = (param: string) =>
  `${INPUT} layer { name: "c" type: "Convolution" bottom: "x" top: "y" convolution_param { ${param} } }`;

/** The file, and the words that the message must contain. */
const REFUSED: readonly (readonly [what: string, net: string, message: RegExp, blobs?: Blobs])[] = [
  ["an unknown type", layer('type: "Frobnicate"'), /layer "l" \(Frobnicate\): unknown type/],
  ["a type in other letters", layer('type: "Relu"'), /spelled ReLU/],
  ["a fork's type", layer('type: "Upsample"'), /"l" \(Upsample\): this type is not converted: it belongs to a fork/],
  ["a type that only objects have", layer('type: "constructor"'), /\(constructor\): unknown type/],
  ["no kernel", conv("num_output: 1"), /has no kernel_size/],
  ["no outputs", conv("kernel_size: 1"), /has no num_output/],
  [
    "a group that does not divide",
    conv("num_output: 3 kernel_size: 1 group: 3"),
    /group is 3, expected a divisor of the number of channels, 2/,
  ],
  ["an image below the kernel", conv("num_output: 1 kernel_size: 5"), /too small/],
  ["a stride of 0", conv("num_output: 1 kernel_size: 1 stride: 0"), /stride is 0, 0, expected at least 1/],
  ["two kernels", conv("num_output: 1 kernel_size: 1 kernel_h: 1 kernel_w: 1"), /give one of them/],
  ["an axis too far", layer('type: "Softmax" softmax_param { axis: 4 }'), /axis is 4, and the bottom has 4 axes/],
  [
    "no weights",
    conv("num_output: 1 kernel_size: 1"),
    /layer "c" \(Convolution\): the weights do not hold weights \[1,2,1,1\]/,
  ],
  [
    "weights of another shape",
    conv("num_output: 1 kernel_size: 1"),
    /blob 0 of the weights has shape \[3\], expected weights \[1,2,1,1\]/,
    { c: [[1, 2, 3], [1]] },
  ],
  [
    "more blobs than the layer needs",
    layer('type: "Scale"'),
    /hold 2 blobs for it, but the net needs 1/,
    {
      l: [
        [1, 2],
        [1, 2],
      ],
    },
  ],
  ["blobs for a layer without", layer('type: "ReLU"'), /hold 1 blobs for it, but the net needs 0/, { l: [[1]] }],
  [
    "pooling at random",
    layer('type: "Pooling" pooling_param { pool: STOCHASTIC kernel_size: 2 }'),
    /pool is STOCHASTIC/,
  ],
  [
    "a layer in place on memory that is read under another name",
    `${INPUT}
     layer { name: "abs" type: "AbsVal" bottom: "x" top: "a" }
     layer { name: "flat" type: "Flatten" bottom: "a" top: "f" }
     layer { name: "relu" type: "ReLU" bottom: "f" top: "f" }
     layer { name: "later" type: "TanH" bottom: "a" top: "z" }`,
    /layer "relu" \(ReLU\): works in place on memory shared with blob "a", which layer "later" reads later/,
  ],
  [
    "one padding of two",
    layer('type: "Pooling" pooling_param { kernel_size: 2 pad_w: 1 }'),
    /has one of pad_h and pad_w; give both, or pad/,
  ],
  [
    "an exponent that ONNX Runtime refuses",
    layer('type: "LRN" lrn_param { beta: 0 }'),
    /beta is 0, expected a number above 0/,
  ],
  [
    "a second top that no layer gives",
    layer('type: "ReLU"').replace('top: "y"', 'top: "y" top: "z"'),
    /has 2 tops, expected 1/,
  ],
  ["a layer without a top", layer('type: "ReLU"').replace('top: "y"', ""), /has 0 tops, expected 1/],
  [
    "more values than Caffe counts",
    layer('type: "Tile" tile_param { axis: 0 tiles: 2000000000 }'),
    /more than 2147483647 values, Caffe's limit/,
  ],
  [
    "a bias without weights, of any size",
    layer('type: "InnerProduct" inner_product_param { num_output: 4294967295 bias_term: false }'),
    /the weights do not hold weights/,
  ],
  [
    "padding as large as the kernel",
    layer('type: "Pooling" pooling_param { kernel_size: 2 pad: 2 }'),
    /pad is 2, expected less than the kernel's 2/,
  ],
  [
    "an average of nothing",
    layer('type: "Pooling" pooling_param { pool: AVE kernel_size: 1 stride: 3 }').replace(
      "dim: 3 dim: 3",
      "dim: 5 dim: 5",
    ),
    /divides by 0 or less/,
  ],
  [
    "the positions of the maxima",
    `${INPUT} layer { name: "l" type: "Pooling" bottom: "x" top: "y" top: "mask" pooling_param { kernel_size: 2 } }`,
    /positions of the maxima/,
  ],
  [
    "a sum of different shapes",
    `${INPUT} layer { name: "i" type: "Input" top: "w" input_param { shape { dim: 2 } } } layer { name: "l" type: "Eltwise" bottom: "x" bottom: "w" top: "y" }`,
    /bottom 1 "w" has shape \[2\], expected \[1,2,3,3\]/,
  ],
  [
    "coefficients that do not fit",
    `${INPUT} layer { name: "l" type: "Eltwise" bottom: "x" bottom: "x" top: "y" eltwise_param { coeff: 1 } }`,
    /1 values of coeff, expected 2/,
  ],
  ["a shape that is not filled", layer('type: "Reshape" reshape_param { shape { dim: 7 dim: -1 } }'), /does not fill/],
  [
    "an unequal cut",
    `${INPUT} layer { name: "l" type: "Slice" bottom: "x" top: "y" top: "z" slice_param { axis: 2 } }`,
    /axis 2 has 3, which cannot be divided equally between 2 tops/,
  ],
  ["an even LRN", layer('type: "LRN" lrn_param { local_size: 4 }'), /local_size is 4, expected an odd number/],
  [
    "BatchNorm of one axis",
    'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 4 } } } layer { name: "l" type: "BatchNorm" bottom: "x" top: "y" }',
    /expected 2 axes or more/,
  ],
  [
    "an input without a shape",
    'layer { name: "in" type: "Data" top: "x" } layer { name: "l" type: "ReLU" bottom: "x" top: "y" }',
    /does not contain the shape of "x"; pass it/,
  ],
  [
    "an empty input",
    'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 0 } } } layer { name: "l" type: "ReLU" bottom: "x" top: "y" }',
    /"x" has shape \[0\], expected sizes of 1 or more/,
  ],
  [
    "a gigantic input",
    'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 65536 dim: 65536 } } } layer { name: "l" type: "ReLU" bottom: "x" top: "y" }',
    /with a product of at most/,
  ],
  ["no output", INPUT, /no layer gives an output/],
  [
    "what a loss gives",
    `${INPUT} layer { name: "loss" type: "EuclideanLoss" bottom: "x" bottom: "x" top: "e" } layer { name: "l" type: "ReLU" bottom: "e" top: "y" }`,
    /reads "e", the output of layer "loss" \(EuclideanLoss\), which is not converted/,
  ],
];

const REFUSALS = REFUSED.map(([what, net, message, blobs = {}]) => ({ what, net, message, blobs }));

test.each(REFUSALS)("$what: refused", ({ net, message, blobs }) => {
  const attempt = () => convert(net, blobs);
  expect(attempt).toThrow(message);
  expect(attempt).toThrow(expect.objectContaining({ code: "ERR_BN_DATA" }));
});
