import { readFileSync } from "node:fs";
import { Command } from "commander";
import type { BackendsOptions } from "./backends-command.ts";
import { addCalibrate } from "./calibrate-program.ts";
import { collect } from "./collect.ts";
import type { ConformanceOptions } from "./conformance-options.ts";
import type { ConvertCommandOptions } from "./convert-command.ts";
import type { DiffOptions } from "./diff-command.ts";
import type { ExportOptions } from "./export-command.ts";
import { addCheckFold, addFold } from "./fold-program.ts";
import type { InspectOptions } from "./inspect-command.ts";
import { DIALECT, exitCodes, FORCE, JSON_FILE, NET } from "./option-texts.ts";
import type { VerifyOptions } from "./verify-command.ts";

const BACKENDS = "backends: names or paths of modules, separated by commas (default: all that are available)";

const EXAMPLES = `
Examples:
  bn backends                                        which backends run here, and why others do not
  bn conformance                                     every case on every backend
  bn conformance --backend cpu,./my-backend.js       your backend next to ours
  bn conformance --filter 'goldens/*/f32'            some cases, by part of the id or by glob
  bn conformance --json - | jq .summary              JSON; the table goes to standard error
  bn diff main.json branch.json                      new failures
  bn verify model.onnx                               your model's BatchNormalization nodes
  bn inspect model.onnx                              what they hold, and what looks wrong
  bn inspect weights.caffemodel --net net.prototxt   the same for a Caffe network
  bn export bn1.onnx --blobs m.npy,v.npy,f.npy       a layer as an ONNX model
  bn convert w.caffemodel net.onnx --net d.prototxt  a Caffe network as an ONNX model, with proof
  bn fold model.onnx folded.onnx                     normalizations folded into the layers next to them
  bn calibrate m.onnx new.onnx --data images         statistics recomputed on your own data
  bn check-fold model.onnx theirs.onnx               whether another tool's fold is right, and what is wrong

Exit codes: 0 success; 1 something failed; 2 bad usage or input, or nothing could be tested; 130 Ctrl-C.
The help of each command says what they mean there.`;

const CONFORMANCE_HELP = `
The default export of a module (or its export \`createBackend\`) is a function that returns a backend, or a promise of one.
FILE may be - for standard output; the table then goes to standard error. Each backend runs in a process of its own: if it
exits, crashes, hangs or runs out of memory, the case has failed, and a new process continues with the next case.

Examples:
  bn conformance --backend ./dist/my-backend.js --html report.html
  bn conformance --backend ./dist/my-backend.js --baseline known.json --bail 3
  bn conformance --goldens ./my-goldens --json report.json`;

const VERIFY_HELP = `
Each normalization (BatchNormalization, InstanceNormalization, GroupNormalization, LayerNormalization) runs on every backend
with the model's own weights, on the activations that ONNX Runtime computes for it, and is compared with float64 and with ONNX
Runtime, which runs in a process of its own. If nothing could be compared, the command fails.

Examples:
  bn verify model.onnx --html report.html
  bn verify weights.caffemodel --net deploy.prototxt
  bn verify model.onnx --input image=image.npy --input scale=scale.npy --backend cpu --json nodes.json`;

const CONVERT_HELP = `
Converts the whole network for inference (phase test), each BatchNorm with its Scale as one BatchNormalization. Then ONNX Runtime
runs the model, every backend repeats each BatchNorm with Caffe's own blobs, and OUT is written only if all of them agree. Without
onnxruntime-node, OUT is written without that proof; --verify makes that an error.

Examples:
  bn convert weights.caffemodel net.onnx --net deploy.prototxt
  bn convert weights.caffemodel net.onnx --net deploy.prototxt --shape data=8,3,224,224 --opset 17
  bn convert weights.caffemodel net.onnx --net deploy.prototxt --input data=image.npy --json -`;

const INSPECT_HELP = `
ONNX Runtime also measures what each node of an ONNX network receives, in a process of its own. The report names known mistakes
that explain the stored statistics: standard deviations stored as variances, statistics of another layer, gamma applied twice.

Examples:
  bn inspect model.onnx --json -
  bn inspect model.onnx --input image=image.npy
  bn inspect weights.caffemodel --net deploy.prototxt`;

const EXPORT_HELP = `
The three blobs of BatchNorm are the sums of means and of variances, and the factor to divide both by, as in Caffe and @bn/core.

Examples:
  bn export bn1.onnx --blobs mean.npy,variance.npy,factor.npy,gamma.npy,beta.npy --eps 1e-5 --opset 14
  bn export bn7.onnx --from network.onnx --node bn7 --opset 9 --shape N,64,56,56
  bn export bn1.onnx --from weights.caffemodel --net deploy.prototxt --node bn1
  bn export bn7.caffemodel --from network.onnx --node bn7 --shape 1,64,56,56`;

/**
 * The commands. Each is loaded when it is called. `done(ok)` gets the verdict. Bad usage rejects with a CommanderError
 * that is already printed.
 */
export function createProgram(signal: AbortSignal, done: (ok: boolean) => void): Command {
  const program = new Command("bn")
    .description(
      "Finds wrong BatchNormalization layers in ONNX and Caffe models, moves and folds them, and tests the backends that run here.",
    )
    .version(version(), "-V, --version", "print the version")
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError("(see bn --help)")
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "bn: ")) })
    .exitOverride();
  program
    .command("backends")
    .description("list the backends: which are available, what each supports, and why others are not available")
    .option("--json <file>", JSON_FILE)
    .option("--force", FORCE)
    .action(async (options: BackendsOptions) => {
      const { backendsCommand } = await import("./backends-command.ts");
      await backendsCommand(options);
    });
  program
    .command("conformance")
    .description("run the conformance suite")
    .option("--backend <list>", BACKENDS)
    .option("--goldens <dir>", "run only the golden cases of this folder")
    .option("--filter <id>", "only cases whose id contains this text; with * or ?, matches it as a pattern")
    .option("--quick", "run fewer sizes, for a quick check while you change a kernel")
    .option("--full", "run all sizes")
    .option("--seed <text>", "seed for the random sizes (default: 1)")
    .option("--timeout <seconds>", "time limit for creating the backend, and for each case (default: 60)")
    .option("--max-memory <mib>", "memory limit of each backend's process (default: half of the memory, at most 8192)")
    .option(
      "--jobs <n>",
      "processes per backend, side by side (default: the number of processors, at most 4, for long runs of cpu and wasm; else 1)",
    )
    .option("--bail [count]", "stop after this many failures (without a number: 1)")
    .option("--shard <i/n>", "run only part I of N of the cases; `bn merge` joins the reports")
    .option("--baseline <file>", "a JSON report with known failures: only other failures fail the run")
    .option("--json <file>", JSON_FILE)
    .option("--html <file>", "write the report as one HTML page")
    .option("--junit <file>", "write the report as JUnit's XML")
    .option("--github", "print annotations for GitHub Actions to standard error (default: if GITHUB_ACTIONS is true)")
    .option("--force", FORCE)
    .addHelpText("after", CONFORMANCE_HELP)
    .action(async (options: ConformanceOptions) => {
      const { conformanceCommand } = await import("./conformance-command.ts");
      done(await conformanceCommand(options, signal));
    });
  program
    .command("diff")
    .description("compare two JSON reports: new failures, fixed cases, larger errors; exit 1 if there is a new failure")
    .argument("<old.json>", "the report of the earlier run")
    .argument("<new.json>", "the report of the new run")
    .option("--backend <old=new>", "compare one backend of the old run with one of the new, such as cpu=wasm")
    .option("--json <file>", JSON_FILE)
    .option("--force", FORCE)
    .action(async (old: string, now: string, options: DiffOptions) => {
      const { diffCommand } = await import("./diff-command.ts");
      done(await diffCommand(old, now, options));
    });
  program
    .command("merge")
    .description("join the JSON reports of all shards of one run")
    .argument("<out.json>", "the file to write; - is standard output")
    .argument("<shard.json...>", "the reports that `bn conformance --shard I/N --json` wrote, one per I")
    .option("--force", FORCE)
    .action(async (out: string, shards: readonly string[], { force = false }: { force?: boolean }) => {
      const { mergeCommand } = await import("./merge-command.ts");
      done(await mergeCommand(out, shards, force));
    });
  program
    .command("verify")
    .description(
      "run every normalization of an ONNX model or a Caffe network on every backend, and compare the results",
    )
    .argument("<model>", "the model: .onnx; with --net, a .caffemodel")
    .option("--net <prototxt>", "the network of a .caffemodel")
    .option(
      "--shape <name=sizes>",
      "shape of an input, e.g. x=1,3,224,224; repeat per input (default: chosen)",
      collect,
    )
    .option("--dialect <name>", DIALECT)
    .option("--backend <list>", BACKENDS)
    .option(
      "--input <file>",
      "input values: FILE.npy, or name=FILE.npy; repeat per input (default: generated)",
      collect,
    )
    .option("--json <file>", JSON_FILE)
    .option("--html <file>", "write the report as one HTML page")
    .option("--timeout <seconds>", "time limit for ONNX Runtime to load or run a part (default: 120)")
    .option("--max-memory <mib>", "memory limit of ONNX Runtime's process (default: three quarters of the memory)")
    .option("--allow-none", "exit with 0 even if no node could be compared")
    .option("--force", FORCE)
    .addHelpText("after", VERIFY_HELP)
    .action(async (path: string, options: VerifyOptions) => {
      const { verifyCommand } = await import("./verify-command.ts");
      done(await verifyCommand(path, options, signal));
    });
  program
    .command("convert")
    .description("convert a Caffe network to an ONNX model, with a proof")
    .argument("<weights.caffemodel>", "the weights")
    .argument("<out.onnx>", "the file to write; - is standard output")
    .option("--net <prototxt>", "the network for inference (deploy.prototxt)")
    .option("--opset <version>", "9 to 22 (default: 13)")
    .option(
      "--shape <name=sizes>",
      "shape of an input, e.g. data=1,3,56,56; repeat per input (default: from the network)",
      collect,
    )
    .option("--stage <name>", "a stage of NetState; repeat per stage", collect)
    .option("--dialect <name>", DIALECT)
    .option(
      "--verify",
      "run the model and compare; fail if ONNX Runtime is missing (default: compare if it is installed)",
    )
    .option("--no-verify", "write the model without a proof")
    .option("--backend <list>", BACKENDS)
    .option(
      "--input <file>",
      "input values: FILE.npy, or name=FILE.npy; repeat per input (default: generated)",
      collect,
    )
    .option("--json <file>", JSON_FILE)
    .option("--force", FORCE)
    .addHelpText("after", CONVERT_HELP)
    .action(async (weights: string, out: string, options: ConvertCommandOptions) => {
      const { convertCommand } = await import("./convert-command.ts");
      done(await convertCommand(weights, out, options, signal));
    });
  program
    .command("inspect")
    .description(
      "list the normalization layers of an ONNX model or of a .caffemodel, their statistics and what looks wrong",
    )
    .argument("<model>", "the ONNX model, or the .caffemodel")
    .option("--json <file>", JSON_FILE)
    .option("--force", FORCE)
    .option("--net <file>", NET)
    .option("--dialect <name>", DIALECT)
    .option("--phase <phase>", "phase of a Caffe network: test or train (default: test)")
    .option(
      "--no-run",
      "only read the file (default: if ONNX Runtime is installed, also run the network and measure statistics)",
    )
    .option("--shape <name=sizes>", "shape of an input in that run, e.g. x=1,3,224,224; repeat per input", collect)
    .option(
      "--input <file>",
      "input values: FILE.npy, or name=FILE.npy; repeat per input (default: generated)",
      collect,
    )
    .addHelpText("after", INSPECT_HELP)
    .action(async (path: string, options: InspectOptions) => {
      const { inspectCommand } = await import("./inspect-command.ts");
      done(await inspectCommand(path, options, signal));
    });
  program
    .command("export")
    .description("write one normalization layer as an ONNX model, or as a Caffe network")
    .argument("<file>", "the model to write; - is standard output; with FILE.caffemodel, FILE.prototxt is written too")
    .option("--blobs <list>", "mean, variance and factor, then gamma and beta: .npy files, separated by commas")
    .option("--from <model>", "take the layer from this ONNX model or .caffemodel")
    .option("--node <name>", "the node or layer to take, if the model has several")
    .option("--net <file>", NET)
    .option("--dialect <name>", DIALECT)
    .option("--eps <number>", "eps of --blobs (default: 1e-5)")
    .option("--fraction <number>", "movingAverageFraction of --blobs (default: 0.999)")
    .option("--opset <version>", "1, 6, 7, 9, 14 or 15 (default: 15)")
    .option("--shape <list>", "shape of X: sizes, or names for dynamic sizes (default: N,channels,H,W)")
    .option("--training", "write the node in training mode, with running_mean and running_var")
    .option("--force", FORCE)
    .addHelpText("after", EXPORT_HELP)
    .action(async (path: string, options: ExportOptions) => {
      const { exportCommand } = await import("./export-command.ts");
      await exportCommand(path, options);
    });
  addFold(program, signal, done);
  addCalibrate(program, signal, done);
  addCheckFold(program, done);
  for (const command of program.commands) command.addHelpText("after", exitCodes(command.name()));
  return program;
}

function version(): string {
  return JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version;
}
