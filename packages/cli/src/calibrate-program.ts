import type { Command } from "commander";
import type { CalibrateCommandOptions } from "./calibrate-options.ts";
import { collect } from "./collect.ts";

const CALIBRATE_HELP = `
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
  mpirun -n 8 npx bn calibrate model.onnx new.onnx --data images --mpi`;

/** Adds `bn calibrate` to the commands. */
export function addCalibrate(program: Command, signal: AbortSignal, done: (ok: boolean) => void): void {
  program
    .command("calibrate")
    .description("recompute the statistics of a network's BatchNormalization nodes on your data")
    .argument("<model>", "the ONNX model; with --net, the .caffemodel")
    .argument("[out]", "the file to write; - is standard output. Leave it out with --shard")
    .option(
      "--data <files...>",
      "the data: .npy or .npz files, folders or globs; - reads a stream of .npy from standard input",
    )
    .option("--batch <samples>", "samples per batch (default: the model's own fixed size, else 32)")
    .option("--input <name>", "the model input that the data belong to (default: the only one)")
    .option("--mode <mode>", "batch or exact (default: batch)")
    .option("--nodes <glob>", "only nodes whose name contains this text; with * or ?, matches it as a pattern")
    .option("--net <prototxt>", "the network of a .caffemodel, for inference")
    .option(
      "--shape <name=sizes>",
      "shape of an input of the .caffemodel; repeat per input; the first size is the batch (default: from the network)",
      collect,
    )
    .option("--stage <name>", "a stage of NetState; repeat per stage", collect)
    .option(
      "--dialect <name>",
      "the fork of Caffe that wrote the blobs, if the file does not show it: see docs/caffe-files.md",
    )
    .option("--shard <i/n>", "process only part I of N of the batches, and write it to --partial")
    .option("--partial <file>", "the file for the result of a shard")
    .option("--merge <parts...>", "merge the results of all shards into the model")
    .option("--mpi", "run as one rank of mpirun; the ranks share the batches (needs @bn/mpi)")
    .option("--resume <file>", "the file that holds the state of the run, for a restart (default: OUT.resume)")
    .option("--restart", "start from the beginning, and ignore the state of an interrupted run")
    .option("--threads <count>", "threads of ONNX Runtime per operator (default: 1)")
    .option("--timeout <seconds>", "time limit for ONNX Runtime per batch (default: 120)")
    .option("--max-memory <mib>", "memory limit of ONNX Runtime's process (default: three quarters of the memory)")
    .option("--json <file>", "write the report on every node as JSON")
    .option("--html <file>", "write the report as one HTML page, with plots")
    .option("--force", "replace files that already exist")
    .addHelpText("after", CALIBRATE_HELP)
    .action(async (path: string, out: string | undefined, options: CalibrateCommandOptions) => {
      const { calibrateCommand } = await import("./calibrate-command.ts");
      done(await calibrateCommand(path, out, options, signal));
    });
}
