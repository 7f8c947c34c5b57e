/** Common types that are not converted, with advice for each. */
const CURES: Readonly<Record<string, string>> = {
  ConvolutionDepthwise:
    "change its type to Convolution: with group = num_output it is the same layer, with the same weights",
  DepthwiseConvolution:
    "change its type to Convolution: with group = num_output it is the same layer, with the same weights",
  ReLU6: "replace it with a layer of type Clip with clip_param { min: 0 max: 6 }",
  Upsample:
    "it belongs to a fork; to repeat pixels, use Deconvolution with weights of 1 and group = num_output; unpooling by a mask cannot be converted",
  Interp: "it belongs to a fork; for a fixed factor, use Deconvolution with bilinear weights and group = num_output",
  Normalize: "it belongs to SSD; express it with Power, Reduction, Scale and Eltwise, or cut the net before it",
  PriorBox: "it belongs to SSD; cut the net before it, and compute the boxes outside the network",
  DetectionOutput: "it belongs to SSD; cut the net before it, and select the boxes outside the network",
  ROIPooling: "cut the net before it, and convert the rest as a separate net",
  Proposal: "cut the net before it, and convert the rest as a separate net",
  Python: "its code is not in the file; cut the net before it, or express it with Caffe's layers",
  Parameter: "no layer for inference reads such a blob; put the values into a Scale or Bias layer",
  LSTM: "recurrent layers are not converted; unroll the net",
  RNN: "recurrent layers are not converted; unroll the net",
  Recurrent: "recurrent layers are not converted; unroll the net",
};

export function unknownText(type: string, known: readonly string[]): string {
  const cure = Object.hasOwn(CURES, type) ? CURES[type] : undefined;
  if (cure !== undefined) return `this type is not converted: ${cure}`;
  const alike = known.find((one) => one.toLowerCase() === type.toLowerCase());
  if (alike !== undefined) return `unknown type; in Caffe it is spelled ${alike}`;
  return `unknown type: not one of the types of BVLC Caffe that are converted (${known.join(", ")}); replace it with these, or cut the net before it`;
}
