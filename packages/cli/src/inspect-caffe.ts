import type { CaffeRecord, ImportedNet } from "@bn/caffe";
import { isNormRecord, quotients } from "@bn/onnx";
import { align } from "./align.ts";
import type { Inspection } from "./inspect-command.ts";
import { printable } from "./output.ts";
import { rangeOf, rangeText } from "./ranges.ts";

const HEAD = "layer channels dtype phase dialect eps fraction factor mean variance gamma beta".split(" ");

/** `bn inspect` for a .caffemodel. */
export function inspectCaffe({ layers, diagnostics }: ImportedNet): Inspection {
  const table = align([HEAD, ...layers.map(rowOf)], [1, 2, 3, 4]);
  return { table, layers: layers.map(described), diagnostics, bad: "left out" };
}

function rowOf(record: CaffeRecord): string[] {
  const short = (value: number) => String(Number(value.toPrecision(6)));
  const norm = isNormRecord(record) ? record : null;
  const numbers = norm ? [norm.eps, norm.movingAverageFraction, norm.statistics.factor].map(short) : ["-", "-", "-"];
  return [
    printable(record.source.nodes.join(" + ")),
    record.parameterShape.join("x") || "scalar",
    record.dtype,
    record.phase,
    record.caffe.dialect,
    ...numbers,
    ...operandsOf(record).map((values) => (values ? rangeText(rangeOf(values)) : "-")),
  ];
}

/** mean and variance as the layer uses them, divided by the factor. */
function operandsOf(record: CaffeRecord): (ArrayLike<number> | null)[] {
  const { mean = null, variance = null } = isNormRecord(record) ? quotients(record) : {};
  return [mean, variance, record.gamma, record.beta];
}

function described(record: CaffeRecord) {
  const { type, name, source, dtype, phase, axis, parameterShape: shape, caffe } = record;
  const norm = isNormRecord(record) ? record : null;
  const [mean, variance, gamma, beta] = operandsOf(record).map((values) => values && rangeOf(values));
  const { dialect, evidence, useGlobalStats, shared } = caffe;
  return {
    type,
    name,
    layers: source.nodes,
    shape,
    axis,
    dtype,
    phase,
    useGlobalStats,
    dialect,
    evidence,
    eps: norm?.eps ?? null,
    movingAverageFraction: norm?.movingAverageFraction ?? null,
    factor: norm?.statistics.factor ?? null,
    mean,
    variance,
    gamma,
    beta,
    shared,
  };
}
