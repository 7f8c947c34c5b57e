/** Common types that are not converted, with advice for each. */
const CURES: Readonly<Record<string, string>> = {
  ConvolutionDepthwise: "make its type Convolution: with group = num_output that is the same, and the weights stay",
  DepthwiseConvolution: "make its type Convolution: with group = num_output that is the same, and the weights stay",
  ReLU6: "replace it by a layer of type Clip with clip_param { min: 0 max: 6 }",
  Upsample:
    "it is a fork's; to repeat pixels take Deconvolution with weights of 1 and group = num_output, and to undo a pooling by its mask there is nothing",
  Interp:
    "it is a fork's; where a fixed factor will do, take Deconvolution with bilinear weights and group = num_output",
  Normalize: "it is SSD's; write it with Power, Reduction, Scale and Eltwise, or end the net before it",
  PriorBox: "it is SSD's; end the net before it, and compute the boxes outside",
  DetectionOutput: "it is SSD's; end the net before it, and pick the boxes outside",
  ROIPooling: "end the net before it, and convert the rest as a net of its own",
  Proposal: "end the net before it, and convert the rest as a net of its own",
  Python: "its code is not in the file; end the net before it, or write it with layers of Caffe",
  Parameter: "no layer of inference reads such a blob; give the values to a Scale or Bias layer",
  LSTM: "recurrent layers are not converted; unroll the net",
  RNN: "recurrent layers are not converted; unroll the net",
  Recurrent: "recurrent layers are not converted; unroll the net",
};

export function unknownText(type: string, known: readonly string[]): string {
  const cure = Object.hasOwn(CURES, type) ? CURES[type] : undefined;
  if (cure !== undefined) return `this type is not converted: ${cure}`;
  const alike = known.find((one) => one.toLowerCase() === type.toLowerCase());
  if (alike !== undefined) return `unknown type; Caffe's own is spelled ${alike}`;
  return `unknown type: not one of BVLC Caffe's that are converted (${known.join(", ")}); replace it by these, or end the net before it`;
}
