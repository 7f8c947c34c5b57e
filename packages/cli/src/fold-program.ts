import type { Command } from "commander";
import type { CheckFoldOptions } from "./check-fold-command.ts";
import { collect } from "./collect.ts";
import type { FoldCommandOptions } from "./fold-command.ts";
import { DIALECT, FORCE, JSON_FILE, NET } from "./option-texts.ts";

const FOLD_HELP = `
ONNX Runtime runs the original and the folded network on the same input. OUT is written only if every folded layer, given the
activations of the original, is within its bound (docs/folding.md). Without onnxruntime-node, OUT is written without that proof;
--proof makes that an error.

Examples:
  bn fold model.onnx folded.onnx --html proof.html
  bn fold model.onnx folded.onnx --input image=image.npy --max-loss 2
  bn fold weights.caffemodel folded.caffemodel --net deploy.prototxt --net-out folded.prototxt`;

/** Adds `bn fold` to the commands. */
export function addFold(program: Command, signal: AbortSignal, done: (ok: boolean) => void): void {
  program
    .command("fold")
    .description("fold the normalizations of an ONNX model or of a .caffemodel into the layers next to them")
    .argument("<model>", "the ONNX model, or the .caffemodel")
    .argument("<out>", "the file to write; - is standard output")
    .option("--net <prototxt>", NET)
    .option("--net-out <prototxt>", "the file to write the folded network's .prototxt to")
    .option("--dialect <name>", DIALECT)
    .option("--duplicate", "if other nodes also read the weights, fold a copy of them")
    .option("--max-loss <digits>", "do not fold a layer if a channel could lose more decimal digits than this number")
    .option(
      "--proof",
      "run both networks and compare; fail if ONNX Runtime is missing (default: compare if it is installed)",
    )
    .option("--no-proof", "write the folded network without a proof")
    .option(
      "--input <file>",
      "input values: FILE.npy, or name=FILE.npy; repeat per input (default: generated)",
      collect,
    )
    .option(
      "--shape <name=sizes>",
      "shape of an input, e.g. x=1,3,224,224; repeat per input (default: chosen)",
      collect,
    )
    .option("--timeout <seconds>", "time limit for ONNX Runtime to load or run a part (default: 120)")
    .option("--max-memory <mib>", "memory limit of ONNX Runtime's process (default: three quarters of the memory)")
    .option("--json <file>", JSON_FILE)
    .option("--html <file>", "write the proof as one HTML page")
    .option("--force", FORCE)
    .addHelpText("after", FOLD_HELP)
    .action(async (path: string, out: string, options: FoldCommandOptions) => {
      const { foldCommand } = await import("./fold-command.ts");
      done(await foldCommand(path, out, options, signal));
    });
}

/** Adds `bn check-fold` to the commands. */
export function addCheckFold(program: Command, done: (ok: boolean) => void): void {
  program
    .command("check-fold")
    .description("check a network that another tool folded: which layers are right, and which mistakes it made")
    .argument("<original>", "the network with its normalizations: an ONNX model or a .caffemodel")
    .argument("<folded>", "the folded network: an ONNX model or a .caffemodel")
    .option("--net <prototxt>", NET)
    .option("--net-folded <prototxt>", "the network of the folded .caffemodel")
    .option("--dialect <name>", DIALECT)
    .option("--json <file>", JSON_FILE)
    .option("--force", FORCE)
    .action(async (original: string, folded: string, options: CheckFoldOptions) => {
      const { checkFoldCommand } = await import("./check-fold-command.ts");
      done(await checkFoldCommand(original, folded, options));
    });
}
