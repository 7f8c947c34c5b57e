import { type BatchNormScaleRecord, type Diagnostic, importModel } from "@bn/onnx";
import { openModel } from "@bn/onnx/node";
import { align } from "./align.ts";
import { type CaffeOptions, isCaffe, openCaffe } from "./caffe.ts";
import { inspectCaffe } from "./inspect-caffe.ts";
import { checkWritable, printable, writeReport } from "./output.ts";
import { rangeOf, rangeText } from "./ranges.ts";
import { remarks } from "./remarks.ts";

export interface InspectOptions extends CaffeOptions {
  readonly json?: string;
  readonly force?: boolean;
}

/** `bn inspect`: every normalization of a model. True unless a node is damaged. */
export async function inspectCommand(path: string, options: InspectOptions): Promise<boolean> {
  const { json, force = false } = options;
  if (json !== undefined) await checkWritable("--json", json, force);
  const { text, report, whole } = isCaffe(path, options)
    ? inspectCaffe(await openCaffe(path, options))
    : await inspectOnnx(path);
  (json === "-" ? process.stderr : process.stdout).write(text);
  if (json !== undefined) await writeReport(json, report);
  return whole;
}

/** What `bn inspect` says of a file, in words and as JSON, and whether every layer could be read. */
export interface Inspection {
  readonly text: string;
  readonly report: string;
  readonly whole: boolean;
}

async function inspectOnnx(path: string): Promise<Inspection> {
  const { bytes, external } = await openModel(path);
  const { layers, diagnostics } = await importModel(bytes, { external, partial: true });
  return {
    text: inspectText(layers, diagnostics),
    report: inspectJson(layers, diagnostics),
    whole: !diagnostics.some(({ kind }) => kind === "damaged"),
  };
}

function inspectText(layers: readonly BatchNormScaleRecord[], diagnostics: readonly Diagnostic[]): string {
  const head = ["node", "channels", "dtype", "phase", "epsilon", "momentum", "mean", "variance", "scale", "B"];
  const rows = layers.map((layer) => [
    printable(layer.source.where === "" ? layer.name : `${layer.name} in ${layer.source.where}`),
    layer.parameterShape.join("x"),
    layer.dtype,
    layer.phase,
    layer.eps.toPrecision(3),
    layer.movingAverageFraction.toPrecision(3),
    ...operandsOf(layer).map((values) => rangeText(rangeOf(values))),
  ]);
  const blocks = [
    layers.length > 0 ? align([head, ...rows], [1, 2, 3]).join("\n") : "",
    ...remarks(layers.length, diagnostics),
  ];
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

/** `{ layers, diagnostics }`; numbers that JSON cannot write are null. */
function inspectJson(layers: readonly BatchNormScaleRecord[], diagnostics: readonly Diagnostic[]): string {
  const described = layers.map((layer) => {
    const { name, source, parameterShape: shape, dtype, phase, eps: epsilon, movingAverageFraction: momentum } = layer;
    const [mean, variance, scale, bias] = operandsOf(layer).map(rangeOf);
    return { name, where: source.where, shape, dtype, phase, epsilon, momentum, mean, variance, scale, bias };
  });
  return `${JSON.stringify({ layers: described, diagnostics }, null, 2)}\n`;
}

function operandsOf({ statistics, gamma, beta }: BatchNormScaleRecord): ArrayLike<number>[] {
  return [statistics.mean, statistics.variance, gamma, beta ?? []];
}
