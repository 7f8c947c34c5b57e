import type { CalibrateCommandOptions } from "./calibrate-options.ts";
import type { CheckFoldOptions } from "./check-fold-command.ts";
import {
  BACKEND,
  type Commands,
  DIALECT,
  FORCE,
  HTML,
  INPUT,
  JSON_FILE,
  MEMORY,
  NET,
  SHAPE,
  STAGE,
  TIMEOUT,
} from "./command.ts";
import type { ConvertCommandOptions } from "./convert-command.ts";
import type { ExportOptions } from "./export-command.ts";
import type { FoldCommandOptions } from "./fold-command.ts";
import type { InspectOptions } from "./inspect-command.ts";
import type { VerifyOptions } from "./verify-command.ts";

/** The commands about ONNX models and Caffe networks. */
export const NETWORK_COMMANDS: Commands = {
  verify: {
    description:
      "run every normalization of an ONNX model or a Caffe network on every backend, and compare the results",
    arguments: { "<model>": "the model: .onnx; with --net, a .caffemodel" },
    options: {
      "--net <prototxt>": "the network of a .caffemodel",
      ...SHAPE,
      ...DIALECT,
      ...BACKEND,
      ...INPUT,
      ...JSON_FILE,
      ...HTML,
      ...TIMEOUT,
      ...MEMORY,
      "--allow-none": "exit with 0 even if no node could be compared",
      ...FORCE,
    },
    help: `
Each normalization (BatchNormalization, InstanceNormalization, GroupNormalization, LayerNormalization) runs on every backend
with the model's own weights, on the activations that ONNX Runtime computes for it, and is compared with float64 and with ONNX
Runtime, which runs in a process of its own. If nothing could be compared, the command fails.

Examples:
  bn verify model.onnx --html report.html
  bn verify weights.caffemodel --net deploy.prototxt
  bn verify model.onnx --input image=image.npy --input scale=scale.npy --backend cpu --json nodes.json`,
    exitCodes: ["every comparison is within its bound", "one is not, or no node could be compared"],
    run: async ([path]: [string], options: VerifyOptions, signal) =>
      (await import("./verify-command.ts")).verifyCommand(path, options, signal),
  },
  convert: {
    description: "convert a Caffe network to an ONNX model, with a proof",
    arguments: { "<weights.caffemodel>": "the weights", "<out.onnx>": "the file to write; - is standard output" },
    options: {
      "--net <prototxt>": "the network for inference (deploy.prototxt)",
      "--opset <version>": "9 to 22 (default: 13)",
      "--shape <name=sizes>": "shape of an input, e.g. data=1,3,56,56; repeat per input (default: from the network)",
      ...STAGE,
      ...DIALECT,
      "--verify": "run the model and compare; fail if ONNX Runtime is missing (default: compare if it is installed)",
      "--no-verify": "write the model without a proof",
      ...BACKEND,
      ...INPUT,
      ...JSON_FILE,
      ...FORCE,
    },
    help: `
Converts the whole network for inference (phase test), each BatchNorm with its Scale as one BatchNormalization. Then ONNX Runtime
runs the model, every backend repeats each BatchNorm with Caffe's own blobs, and OUT is written only if all of them agree. Without
onnxruntime-node, OUT is written without that proof; --verify makes that an error.

Examples:
  bn convert weights.caffemodel net.onnx --net deploy.prototxt
  bn convert weights.caffemodel net.onnx --net deploy.prototxt --shape data=8,3,224,224 --opset 17
  bn convert weights.caffemodel net.onnx --net deploy.prototxt --input data=image.npy --json -`,
    exitCodes: ["OUT is written", "the proof failed, and OUT is not written"],
    run: async ([weights, out]: [string, string], options: ConvertCommandOptions, signal) =>
      (await import("./convert-command.ts")).convertCommand(weights, out, options, signal),
  },
  inspect: {
    description:
      "list the normalization layers of an ONNX model or of a .caffemodel, their statistics and what looks wrong",
    arguments: { "<model>": "the ONNX model, or the .caffemodel" },
    options: {
      ...JSON_FILE,
      ...FORCE,
      ...NET,
      ...DIALECT,
      "--phase <phase>": "phase of a Caffe network: test or train (default: test)",
      "--no-run":
        "only read the file (default: if ONNX Runtime is installed, also run the network and measure statistics)",
      "--shape <name=sizes>": "shape of an input in that run, e.g. x=1,3,224,224; repeat per input",
      ...INPUT,
    },
    help: `
ONNX Runtime also measures what each node of an ONNX network receives, in a process of its own. The report names known mistakes
that explain the stored statistics: standard deviations stored as variances, statistics of another layer, gamma applied twice.

Examples:
  bn inspect model.onnx --json -
  bn inspect model.onnx --input image=image.npy
  bn inspect weights.caffemodel --net deploy.prototxt`,
    exitCodes: ["every layer was read", "a layer is damaged"],
    run: async ([path]: [string], options: InspectOptions, signal) =>
      (await import("./inspect-command.ts")).inspectCommand(path, options, signal),
  },
  export: {
    description: "write one normalization layer as an ONNX model, or as a Caffe network",
    arguments: {
      "<file>": "the model to write; - is standard output; with FILE.caffemodel, FILE.prototxt is written too",
    },
    options: {
      "--blobs <list>": "mean, variance and factor, then gamma and beta: .npy files, separated by commas",
      "--from <model>": "take the layer from this ONNX model or .caffemodel",
      "--node <name>": "the node or layer to take, if the model has several",
      ...NET,
      ...DIALECT,
      "--eps <number>": "eps of --blobs (default: 1e-5)",
      "--fraction <number>": "movingAverageFraction of --blobs (default: 0.999)",
      "--opset <version>": "1, 6, 7, 9, 14 or 15 (default: 15)",
      "--shape <list>": "shape of X: sizes, or names for dynamic sizes (default: N,channels,H,W)",
      "--training": "write the node in training mode, with running_mean and running_var",
      ...FORCE,
    },
    help: `
The three blobs of BatchNorm are the sums of means and of variances, and the factor to divide both by, as in Caffe and @bn/core.

Examples:
  bn export bn1.onnx --blobs mean.npy,variance.npy,factor.npy,gamma.npy,beta.npy --eps 1e-5 --opset 14
  bn export bn7.onnx --from network.onnx --node bn7 --opset 9 --shape N,64,56,56
  bn export bn1.onnx --from weights.caffemodel --net deploy.prototxt --node bn1
  bn export bn7.caffemodel --from network.onnx --node bn7 --shape 1,64,56,56`,
    exitCodes: ["the model is written", ""],
    run: async ([path]: [string], options: ExportOptions) =>
      (await import("./export-command.ts")).exportCommand(path, options),
  },
  fold: {
    description: "fold the normalizations of an ONNX model or of a .caffemodel into the layers next to them",
    arguments: { "<model>": "the ONNX model, or the .caffemodel", "<out>": "the file to write; - is standard output" },
    options: {
      ...NET,
      "--net-out <prototxt>": "the file to write the folded network's .prototxt to",
      ...DIALECT,
      "--duplicate": "if other nodes also read the weights, fold a copy of them",
      "--max-loss <digits>": "do not fold a layer if a channel could lose more decimal digits than this number",
      "--proof": "run both networks and compare; fail if ONNX Runtime is missing (default: compare if it is installed)",
      "--no-proof": "write the folded network without a proof",
      ...INPUT,
      ...SHAPE,
      ...TIMEOUT,
      ...MEMORY,
      ...JSON_FILE,
      "--html <file>": "write the proof as one HTML page",
      ...FORCE,
    },
    help: `
ONNX Runtime runs the original and the folded network on the same input. OUT is written only if every folded layer, given the
activations of the original, is within its bound (docs/folding.md). Without onnxruntime-node, OUT is written without that proof;
--proof makes that an error.

Examples:
  bn fold model.onnx folded.onnx --html proof.html
  bn fold model.onnx folded.onnx --input image=image.npy --max-loss 2
  bn fold weights.caffemodel folded.caffemodel --net deploy.prototxt --net-out folded.prototxt`,
    exitCodes: ["OUT is written", "the proof failed, or no layer was folded"],
    run: async ([path, out]: [string, string], options: FoldCommandOptions, signal) =>
      (await import("./fold-command.ts")).foldCommand(path, out, options, signal),
  },
  calibrate: {
    description: "recompute the statistics of a network's BatchNormalization nodes on your data",
    arguments: {
      "<model>": "the ONNX model; with --net, the .caffemodel",
      "[out]": "the file to write; - is standard output. Leave it out with --shard",
    },
    options: {
      "--data <files...>":
        "the data: .npy or .npz files, folders or globs; - reads a stream of .npy from standard input",
      "--batch <samples>": "samples per batch (default: the model's own fixed size, else 32)",
      "--input <name>": "the model input that the data belong to (default: the only one)",
      "--mode <mode>": "batch or exact (default: batch)",
      "--nodes <glob>": "only nodes whose name contains this text; with * or ?, matches it as a pattern",
      "--net <prototxt>": "the network of a .caffemodel, for inference",
      "--shape <name=sizes>":
        "shape of an input of the .caffemodel; repeat per input; the first size is the batch (default: from the network)",
      ...STAGE,
      ...DIALECT,
      "--shard <i/n>": "process only part I of N of the batches, and write it to --partial",
      "--partial <file>": "the file for the result of a shard",
      "--merge <parts...>": "merge the results of all shards into the model",
      "--mpi": "run as one rank of mpirun; the ranks share the batches (needs @bn/mpi)",
      "--resume <file>": "the file that holds the state of the run, for a restart (default: OUT.resume)",
      "--restart": "start from the beginning, and ignore the state of an interrupted run",
      "--threads <count>": "threads of ONNX Runtime per operator (default: 1)",
      "--timeout <seconds>": "time limit for ONNX Runtime per batch (default: 120)",
      ...MEMORY,
      "--json <file>": "write the report on every node as JSON",
      "--html <file>": "write the report as one HTML page, with plots",
      ...FORCE,
    },
    help: `
Runs the data through the network in batches, and writes OUT with the mean and the unbiased variance of the input of each
BatchNormalization. Nothing else changes. DATA are .npy files, .npz files with one array per input, folders or globs of them, or -,
a stream of .npy. Samples lie along the first axis; files are read in the order of their paths. Mode batch normalises each batch by
its own statistics, as training does, in one pass. Mode exact measures each node after the nodes before it were recalibrated, in one
pass per level of nodes.

The same command continues an interrupted run: its state is kept in OUT.resume. Shards may run anywhere, and merging them gives the
same bits as one run. See docs/calibrate.md.

Examples:
  bn calibrate model.onnx new.onnx --data images --batch 32 --html report.html
  bn calibrate model.onnx new.onnx --data 'images/*.npy' --mode exact --nodes 'backbone*'
  bn calibrate model.onnx --data images --shard 2/8 --partial part2.json
  bn calibrate model.onnx new.onnx --merge part*.json
  bn calibrate w.caffemodel new.caffemodel --net deploy.prototxt --data images
  mpirun -n 8 npx bn calibrate model.onnx new.onnx --data images --mpi`,
    exitCodes: ["the work is done", "no node was recalibrated"],
    run: async ([path, out]: [string, ...string[]], options: CalibrateCommandOptions, signal) =>
      (await import("./calibrate-command.ts")).calibrateCommand(path, out, options, signal),
  },
  "check-fold": {
    description: "check a network that another tool folded: which layers are right, and which mistakes it made",
    arguments: {
      "<original>": "the network with its normalizations: an ONNX model or a .caffemodel",
      "<folded>": "the folded network: an ONNX model or a .caffemodel",
    },
    options: {
      ...NET,
      "--net-folded <prototxt>": "the network of the folded .caffemodel",
      ...DIALECT,
      ...JSON_FILE,
      ...FORCE,
    },
    exitCodes: ["every layer is right", "a layer is wrong or missing, or there was nothing to check"],
    run: async ([original, folded]: [string, string], options: CheckFoldOptions) =>
      (await import("./check-fold-command.ts")).checkFoldCommand(original, folded, options),
  },
};
