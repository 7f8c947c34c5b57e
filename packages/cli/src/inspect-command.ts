import { type BatchNormScaleRecord, type Diagnostic, importModel } from "@bn/onnx";
import { openModel } from "@bn/onnx/node";
import { align } from "./align.ts";
import { printable } from "./output.ts";

export interface InspectOptions {
  readonly json?: boolean;
}

/** Of one operand: its least and largest value, and how many are not finite. */
interface Range {
  readonly min: number;
  readonly max: number;
  readonly notFinite: number;
}

/** `bn inspect`: every normalization of a model. True unless a node is damaged. */
export async function inspectCommand(path: string, { json = false }: InspectOptions): Promise<boolean> {
  const { bytes, external } = await openModel(path);
  const { layers, diagnostics } = await importModel(bytes, { external, partial: true });
  process.stdout.write(json ? inspectJson(layers, diagnostics) : inspectText(layers, diagnostics));
  return !diagnostics.some(({ kind }) => kind === "left out");
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
  const counts = ["suspect", "left out", "assumed", "converted"].flatMap((kind) => {
    const count = diagnostics.filter((one) => one.kind === kind).length;
    return count > 0 ? [`${count} ${kind}`] : [];
  });
  const blocks = [
    layers.length > 0 ? align([head, ...rows], [1, 2, 3]).join("\n") : "",
    diagnostics.map(({ kind, message }) => `${kind}: ${printable(message)}`).join("\n"),
    `${layers.length} normalization ${layers.length === 1 ? "layer" : "layers"}${counts.length > 0 ? `; ${counts.join(", ")}` : ", nothing to remark"}`,
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

function rangeOf(values: ArrayLike<number>): Range {
  let [min, max, notFinite] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (Number.isFinite(value)) [min, max] = [Math.min(min, value), Math.max(max, value)];
    else notFinite++;
  }
  return { min, max, notFinite };
}

function rangeText({ min, max, notFinite }: Range): string {
  const rest = notFinite > 0 ? `, ${notFinite} not finite` : "";
  if (min > max) return rest.slice(2);
  return `${min.toPrecision(3)}..${max.toPrecision(3)}${rest}`;
}
