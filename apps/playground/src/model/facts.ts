import type { Dtype } from "@bn/core";
import type { Diagnostic, LayerRecord } from "@bn/onnx";
import { isNormRecord, quotients } from "@bn/onnx";

/** The facts that the page shows about one normalization. */
export interface LayerFacts {
  readonly name: string;
  /** "" at top level, otherwise its place. */
  readonly where: string;
  readonly shape: string;
  readonly dtype: Dtype;
  readonly phase: string;
  readonly eps: number | null;
  readonly fraction: number | null;
  /**
   * The largest |mean| / sqrt(variance + eps) of a channel, which shows how many digits can be lost. Null for a Scale.
   */
  readonly meanOverStd: number | null;
  /** Absent for a Scale. */
  readonly variance: Range | null;
  readonly mean: Range | null;
  readonly gamma: Range | null;
  readonly beta: Range | null;
  readonly suspects: readonly string[];
}

export interface Range {
  readonly min: number;
  readonly median: number;
  readonly max: number;
  readonly notFinite: number;
}

export interface Inspected {
  readonly title: string;
  readonly format: "ONNX" | "Caffe";
  readonly bytes: number;
  readonly layers: readonly LayerFacts[];
  readonly diagnostics: readonly Diagnostic[];
}

export function factsOf(record: LayerRecord, diagnostics: readonly Diagnostic[]): LayerFacts {
  const { name, source, parameterShape, dtype, phase, gamma, beta } = record;
  const norm = isNormRecord(record) ? record : null;
  const { mean = null, variance = null } = norm ? quotients(norm) : {};
  const shown = name || source.nodes.join(" + ");
  const about = new Set([name, ...source.nodes]);
  return {
    name: shown,
    where: source.where,
    shape: parameterShape.join("x") || "scalar",
    dtype,
    phase,
    eps: norm?.eps ?? null,
    fraction: norm?.movingAverageFraction ?? null,
    meanOverStd: norm && mean && variance ? largestRatio(mean, variance, norm.eps) : null,
    variance: variance && rangeOf(variance),
    mean: mean && rangeOf(mean),
    gamma: gamma && rangeOf(gamma),
    beta: beta && rangeOf(beta),
    suspects: diagnostics
      .filter(({ kind, node }) => (kind === "suspect" || kind === "damaged") && about.has(node))
      .map(({ message }) => message),
  };
}

function largestRatio(mean: ArrayLike<number>, variance: ArrayLike<number>, eps: number): number {
  let largest = 0;
  for (let c = 0; c < mean.length; c++) {
    const ratio = Math.abs(mean[c] as number) / Math.sqrt((variance[c] as number) + eps);
    if (!(ratio <= largest)) largest = ratio; // keeps NaN
  }
  return largest;
}

function rangeOf(values: ArrayLike<number>): Range {
  const finite = Float64Array.from(values).filter(Number.isFinite).sort();
  const at = (part: number) => finite[Math.floor(part * (finite.length - 1))] ?? Number.NaN;
  return { min: at(0), median: at(0.5), max: at(1), notFinite: values.length - finite.length };
}
