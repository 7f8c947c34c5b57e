import type { Command } from "commander";
import type { CalibrateCommandOptions } from "./calibrate-options.ts";
import { collect } from "./collect.ts";

const CALIBRATE_HELP = `
Runs the data through the network in batches and writes OUT with the mean and the unbiased variance of what each BatchNormalization
reads; everything else stays. DATA are .npy, .npz with an array per input, folders or globs of them, or -, a stream of .npy: samples
along the first axis, in the order of the files' paths. Mode batch normalises each batch by its own statistics, as training does, in
one pass; mode exact measures each node on what the recalibrated nodes before it give, in a pass per level of nodes.

A run that was interrupted goes on where it was, by the same command: its state is kept in OUT.resume. Shards may run anywhere, and
their merge is the same, to the bit, as one run. See docs/calibrate.md.

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
    .description("recompute the statistics of a network's BatchNormalization nodes on data of yours")
    .argument("<model>", "the ONNX model, or with --net the .caffemodel")
    .argument("[out]", "the file to write; - is standard output. Left out with --shard")
    .option("--data <files...>", "what the network reads: .npy, .npz, folders, globs; - is a stream of .npy")
    .option("--batch <samples>", "per batch (default: what the model fixes, else 32)")
    .option("--input <name>", "which input the data are for (default: the only one)")
    .option("--mode <mode>", "batch or exact (default: batch)")
    .option("--nodes <glob>", "only the nodes whose name holds this or, with * or ?, matches it")
    .option("--net <prototxt>", "the network of a .caffemodel, for inference")
    .option(
      "--shape <name=sizes>",
      "of an input of it, once per input; the first size is the batch's (default: the net's)",
      collect,
    )
    .option("--stage <name>", "of NetState, once per stage", collect)
    .option("--dialect <name>", "what the blobs of a Caffe fork mean, where it is not told: see docs/caffe-files.md")
    .option("--shard <i/n>", "only part I of N of the batches, written to --partial")
    .option("--partial <file>", "where a shard writes what it gathered")
    .option("--merge <parts...>", "finish: the parts of all shards")
    .option("--mpi", "as a rank of mpirun: the ranks share the batches (needs @bn/mpi)")
    .option("--resume <file>", "where the state of the run is kept (default: OUT.resume)")
    .option("--restart", "begin anew, whatever an interrupted run left")
    .option("--threads <count>", "that ONNX Runtime may take for an operator (default: 1)")
    .option("--timeout <seconds>", "that ONNX Runtime may take for a batch (default: 120)")
    .option("--max-memory <mib>", "that its process may hold (default: three quarters of the memory)")
    .option("--json <file>", "write what became of every node as JSON")
    .option("--html <file>", "write the same as one HTML page, drawn")
    .option("--force", "replace files that are there")
    .addHelpText("after", CALIBRATE_HELP)
    .action(async (path: string, out: string | undefined, options: CalibrateCommandOptions) => {
      const { calibrateCommand } = await import("./calibrate-command.ts");
      done(await calibrateCommand(path, out, options, signal));
    });
}
