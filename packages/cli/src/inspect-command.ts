import { type BatchNormScaleRecord, type Diagnostic, importModel } from "@bn/onnx";
import { openModel } from "@bn/onnx/node";
import { createRuntime, diagnoseModel, inputNames, onnxRuntimeMissing } from "@bn/onnx/verify";
import { align } from "./align.ts";
import { type CaffeOptions, isCaffe, openCaffe } from "./caffe.ts";
import { shapesOf } from "./caffe-network.ts";
import { openOutputs, type ReportOptions } from "./files.ts";
import { feedsFor, inputFiles, readInputs } from "./inputs-option.ts";
import { inspectCaffe } from "./inspect-caffe.ts";
import { refuse } from "./option-values.ts";
import { paragraphs, printable } from "./output.ts";
import { rangeOf, rangeText } from "./ranges.ts";
import { remarks } from "./remarks.ts";

export interface InspectOptions extends CaffeOptions, ReportOptions {
  /** If false, only the file is read. */
  readonly run?: boolean;
  readonly shape?: readonly string[];
  readonly input?: readonly string[];
}

/** Time limit for ONNX Runtime in seconds. `bn inspect` should not wait long for one more diagnosis. */
const TIMEOUT = 60;

/** `bn inspect` describes every normalization of a model. Resolves to true unless a node is damaged. */
export async function inspectCommand(path: string, options: InspectOptions, signal: AbortSignal): Promise<boolean> {
  const caffe = isCaffe(path, options.net);
  checkTogether(caffe, options);
  const outputs = await openOutputs({ "--json": options.json }, options.force, [
    path,
    options.net,
    ...inputFiles(options.input),
  ]);
  const { table, layers, diagnostics, bad } = caffe
    ? inspectCaffe(await openCaffe(path, options))
    : await inspectOnnx(path, options, signal);
  outputs.text.write(paragraphs([layers.length > 0 ? table.join("\n") : "", ...remarks(layers.length, diagnostics)]));
  await outputs.write({ "--json": () => `${JSON.stringify({ layers, diagnostics }, null, 2)}\n` });
  return !diagnostics.some(({ kind }) => kind === bad);
}

/** What `bn inspect` found in a file. */
export interface Inspection {
  readonly table: readonly string[];
  /** The layers in the JSON report, where numbers that JSON cannot represent are null. */
  readonly layers: readonly object[];
  readonly diagnostics: readonly Diagnostic[];
  /** The kind of diagnostic for a layer that could not be read. */
  readonly bad: Diagnostic["kind"];
}

/** Errors: `ERR_BN_PARAM` for an option that would have no effect. */
function checkTogether(caffe: boolean, { dialect, phase, run = true, shape, input }: InspectOptions): void {
  const ofRun = { "--shape": shape, "--input": input };
  if (caffe) refuse({ "--no-run": !run, ...ofRun }, "is for ONNX models, and this is a Caffe network");
  else refuse({ "--dialect": dialect, "--phase": phase }, "is for Caffe networks, and this is an ONNX model");
  if (!run) refuse(ofRun, "is for the run of ONNX Runtime, and --no-run skips it");
}

const HEAD = "node channels dtype phase epsilon momentum mean variance scale B".split(" ");

async function inspectOnnx(path: string, options: InspectOptions, signal: AbortSignal): Promise<Inspection> {
  const opened = await openModel(path);
  const { layers, diagnostics: read } = await importModel(opened.bytes, { external: opened.external, partial: true });
  const diagnostics = [...read, ...(layers.length > 0 ? await measured(opened, options, signal) : [])];
  const table = align([HEAD, ...layers.map(rowOf)], [1, 2, 3]);
  return { table, layers: layers.map(described), diagnostics, bad: "damaged" };
}

/** The diagnosis from a run, if onnxruntime-node is installed. */
async function measured(
  { bytes, external }: Awaited<ReturnType<typeof openModel>>,
  { run = true, shape = [], input = [] }: InspectOptions,
  signal: AbortSignal,
): Promise<readonly Diagnostic[]> {
  if (!run) return [];
  const inputs = await readInputs(input);
  const shapes = shapesOf(shape);
  const missing = await onnxRuntimeMissing();
  if (missing !== null) {
    process.stderr.write(`the statistics were not measured: ${missing}\n`);
    return [];
  }
  await using runtime = createRuntime({ signal, timeout: TIMEOUT });
  return await diagnoseModel(bytes, {
    runtime,
    shapes,
    feeds: feedsFor(inputs, () => inputNames(bytes)),
    external,
    signal,
  });
}

function rowOf(layer: BatchNormScaleRecord): string[] {
  return [
    printable(layer.source.where === "" ? layer.name : `${layer.name} in ${layer.source.where}`),
    layer.parameterShape.join("x"),
    layer.dtype,
    layer.phase,
    layer.eps.toPrecision(3),
    layer.movingAverageFraction.toPrecision(3),
    ...operandsOf(layer).map((values) => rangeText(rangeOf(values))),
  ];
}

function described(layer: BatchNormScaleRecord) {
  const { name, source, parameterShape: shape, dtype, phase, eps: epsilon, movingAverageFraction: momentum } = layer;
  const [mean, variance, scale, bias] = operandsOf(layer).map(rangeOf);
  return { name, where: source.where, shape, dtype, phase, epsilon, momentum, mean, variance, scale, bias };
}

function operandsOf({ statistics, gamma, beta }: BatchNormScaleRecord): ArrayLike<number>[] {
  return [statistics.mean, statistics.variance, gamma, beta ?? []];
}
