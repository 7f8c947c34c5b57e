const LOSS = "it is a loss, which inference does not need";

/** Layers that inference does not need, with the reason. */
export const DROPPED: Readonly<Record<string, string>> = {
  Silence: "it computes nothing",
  Accuracy: "it measures the network's results, and is not part of it",
  HDF5Output: "it writes a file, and computes nothing",
  EuclideanLoss: LOSS,
  ContrastiveLoss: LOSS,
  HingeLoss: LOSS,
  InfogainLoss: LOSS,
  MultinomialLogisticLoss: LOSS,
  SigmoidCrossEntropyLoss: LOSS,
};
