import { expect, test } from "vitest";
import { openNetwork, readNet, readWeights, upgradeNet, writeNet, writeWeights } from "../src/index.ts";

const upgraded = (text: string) => writeNet(upgradeNet(readNet(text)));

test("V0: types, parameters and padding layers", () => {
  const old = `
    input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
    layers { layer { name: "pad1" type: "padding" pad: 2 } bottom: "data" top: "pad1" }
    layers { layer { name: "conv1" type: "conv" num_output: 4 kernelsize: 5 stride: 2 group: 1 biasterm: false
                     blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_filler { type: "gaussian" std: 0.5 } }
             bottom: "pad1" top: "conv1" }
    layers { layer { name: "relu1" type: "relu" } bottom: "conv1" top: "conv1" }
    layers { layer { name: "pool1" type: "pool" pool: AVE kernelsize: 3 stride: 2 } bottom: "conv1" top: "pool1" }
    layers { layer { name: "norm1" type: "lrn" local_size: 5 alpha: 0.5 beta: 0.75 k: 2 } bottom: "pool1" top: "norm1" }
    layers { layer { name: "ip" type: "innerproduct" num_output: 2 } bottom: "norm1" top: "ip" }
    layers { layer { name: "drop" type: "dropout" dropout_ratio: 0.25 } bottom: "ip" top: "ip" }
    layers { layer { name: "cat" type: "concat" concat_dim: 0 } bottom: "ip" top: "cat" }
    layers { layer { name: "prob" type: "softmax" } bottom: "cat" top: "prob" }`;
  const now = `
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
    layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 }
            convolution_param { num_output: 4 bias_term: false pad: 2 kernel_size: 5 group: 1 stride: 2
                                weight_filler { type: "gaussian" std: 0.5 } } }
    layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
    layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { pool: AVE kernel_size: 3 stride: 2 } }
    layer { name: "norm1" type: "LRN" bottom: "pool1" top: "norm1" lrn_param { local_size: 5 alpha: 0.5 beta: 0.75 k: 2 } }
    layer { name: "ip" type: "InnerProduct" bottom: "norm1" top: "ip" inner_product_param { num_output: 2 } }
    layer { name: "drop" type: "Dropout" bottom: "ip" top: "ip" dropout_param { dropout_ratio: 0.25 } }
    layer { name: "cat" type: "Concat" bottom: "ip" top: "cat" concat_param { concat_dim: 0 } }
    layer { name: "prob" type: "Softmax" bottom: "cat" top: "prob" }`;
  expect(upgraded(old)).toBe(writeNet(readNet(now)));
  expect(openNetwork({ net: readNet(old) }).layers).toHaveLength(9);
});

test("V0 and V1: what a data layer does to images goes to transform_param", () => {
  const now = `layer { name: "d" type: "Data" top: "data" transform_param { scale: 0.5 mirror: true crop_size: 227 mean_file: "m" }
                       data_param { source: "s" batch_size: 16 rand_skip: 3 } }`;
  const v0 = `layers { layer { name: "d" type: "data" source: "s" batchsize: 16 rand_skip: 3 scale: 0.5 meanfile: "m" cropsize: 227 mirror: true } top: "data" }`;
  const v1 = `layers { name: "d" type: DATA top: "data" data_param { source: "s" scale: 0.5 mean_file: "m" batch_size: 16 crop_size: 227 mirror: true rand_skip: 3 } }`;
  expect(upgraded(v0)).toBe(writeNet(readNet(now)));
  expect(upgraded(v1)).toBe(writeNet(readNet(now)));
});

test("V1: every type has its name, and shared parameters theirs", () => {
  const types =
    "ABSVAL AbsVal ARGMAX ArgMax BNLL BNLL CONTRASTIVE_LOSS ContrastiveLoss DECONVOLUTION Deconvolution DUMMY_DATA DummyData EUCLIDEAN_LOSS EuclideanLoss HDF5_DATA HDF5Data HDF5_OUTPUT HDF5Output HINGE_LOSS HingeLoss IM2COL Im2col IMAGE_DATA ImageData INFOGAIN_LOSS InfogainLoss INNER_PRODUCT InnerProduct LRN LRN MEMORY_DATA MemoryData MULTINOMIAL_LOGISTIC_LOSS MultinomialLogisticLoss MVN MVN RELU ReLU SIGMOID_CROSS_ENTROPY_LOSS SigmoidCrossEntropyLoss SOFTMAX_LOSS SoftmaxWithLoss TANH TanH WINDOW_DATA WindowData THRESHOLD Threshold".split(
      " ",
    );
  for (let i = 0; i < types.length; i += 2) {
    expect(upgradeNet(readNet(`layers { type: ${types[i]} }`)).message.layer[0]?.type).toBe(types[i + 1]);
  }
  expect(
    upgraded(
      'layers { type: CONVOLUTION param: "w" param: "b" blob_share_mode: PERMISSIVE blobs_lr: 0 weight_decay: 3 }',
    ),
  ).toBe(
    writeNet(
      readNet(
        'layer { type: "Convolution" param { name: "w" share_mode: PERMISSIVE lr_mult: 0 decay_mult: 3 } param { name: "b" } }',
      ),
    ),
  );
  // The type of a fork keeps its name when it is read from text.
  expect(upgradeNet(readNet("layers { type: BN bn_param { eps: 1 } }")).message.layer[0]?.type).toBe("BN");
});

test("an upgrade leaves the file as it was, in text and in binary", () => {
  const text = 'layers { name: "c" type: CONVOLUTION blobs_lr: 1 of_a_fork: 3 blobs { data: 1 } }\n';
  const net = readNet(text);
  const before = writeNet(net);
  const now = upgradeNet(net);
  expect(writeNet(net)).toBe(before);
  expect(writeNet(now)).toContain("of_a_fork: 3");
  const binary = writeWeights(readNet('layers { name: "c" type: CONVOLUTION blobs { data: 1 } }'));
  const weights = readWeights(binary);
  expect(upgradeNet(weights).message.layer[0]?.blobs).toHaveLength(1);
  expect(Buffer.compare(writeWeights(weights), binary)).toBe(0);
});
