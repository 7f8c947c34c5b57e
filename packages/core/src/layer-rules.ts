import { isCommunicator } from "./communicator/communicator.ts";
import { FILLER, isFloat32 } from "./filler.ts";
import { memoryOf } from "./memory.ts";
import type { OptionRule, OptionRules } from "./options.ts";

const BOOLEAN: OptionRule = { expected: "true or false", test: (value) => typeof value === "boolean" };
const WHOLE: OptionRule = { expected: "a whole number", test: Number.isInteger };

const LAYER: OptionRules = {
  name: { expected: "a string", test: (value) => typeof value === "string" },
  blobs: {
    expected: "an array of blobs, e.g. those of another layer",
    test: areBlobs,
    aliases: { params: "", weights: "" },
  },
};

const AFFINE: OptionRules = {
  filler: FILLER,
  biasTerm: { ...BOOLEAN, aliases: { bias: "", useBias: "", shift: "", center: "" } },
  biasFiller: FILLER,
};

/** The parameters of BatchNorm. */
export const BATCH_NORM_RULES: OptionRules = {
  ...LAYER,
  phase: {
    expected: '"train" or "test"',
    test: (value) => value === "train" || value === "test",
    aliases: {
      training: 'phase: "train"',
      train: 'phase: "train"',
      isTraining: 'phase: "train"',
      eval: 'phase: "test"',
    },
  },
  useGlobalStats: { ...BOOLEAN, aliases: { useRunningStats: "", useStoredStats: "" } },
  updateStats: { ...BOOLEAN, aliases: { trackRunningStats: "", updateRunningStats: "" } },
  movingAverageFraction: {
    expected: "a number from 0 to 1",
    test: (value) => typeof value === "number" && value >= 0 && value <= 1,
    aliases: {
      momentum: "the weight of the old statistics: 1 - momentum in PyTorch, momentum in Keras and ONNX",
      decay: "",
    },
  },
  eps: {
    expected: "a finite float32 >= 0",
    test: (value) => isFloat32(value) && value >= 0,
    aliases: { epsilon: "", varianceEpsilon: "" },
  },
  axis: {
    ...WHOLE,
    aliases: { dim: "", channelAxis: "", channelsLast: "axis: -1", dataFormat: "axis: -1 for channels-last" },
  },
  communicator: {
    expected: "a communicator, e.g. from createMpi() or joinThreads()",
    test: isCommunicator,
    aliases: { processGroup: "", ranks: "", sync: "communicator: ...", synchronized: "communicator: ..." },
  },
};

export const BATCH_NORM_SCALE_RULES: OptionRules = { ...BATCH_NORM_RULES, ...AFFINE, globalGradients: BOOLEAN };

/** The parameters of Scale. */
export const SCALE_RULES: OptionRules = {
  ...LAYER,
  axis: WHOLE,
  numAxes: {
    expected: "a whole number >= 0, or -1 for all axes to the end",
    test: (value) => typeof value === "number" && Number.isInteger(value) && value >= -1,
  },
  ...AFFINE,
};

/** Options of other layers, for a message to a caller who passes them to the wrong layer. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  filler: "it is an option of createBatchNormScale and createScale",
  biasTerm: "it is an option of createBatchNormScale and createScale",
  biasFiller: "it is an option of createBatchNormScale and createScale",
  numAxes: "createScale has it",
  communicator: "it is an option of createBatchNorm and createBatchNormScale",
  globalGradients: "createBatchNormScale has it",
  affine: "createBatchNormScale learns gamma, and with biasTerm also beta",
  scale: "createBatchNormScale learns gamma, and with biasTerm also beta",
  numFeatures: "the number of channels comes from bottom's shape",
  eps: "it is an option of createBatchNorm and createBatchNormScale",
  phase: "it is an option of createBatchNorm and createBatchNormScale",
};

function areBlobs(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  for (let i = 0; i < value.length; i++) if (memoryOf(value[i]) === null) return false;
  return true;
}
