import type { Shape } from "@bn/core";
import type { CheckFoldRow } from "../fold/check-fold.ts";
import type { Layer } from "../fold/layer.ts";
import { type FoldAttempt, type FoldTask, rightFold } from "../fold/task.ts";
import { FLOAT_TYPES } from "../graph/float-types.ts";
import { channelErrors, exactOutput, type Sides } from "./bounds.ts";
import { lostIn } from "./lost.ts";
import { channelIn, linearMapOf } from "./products.ts";
import type { ProofComparison, ProofRow } from "./report.ts";

type Values = ArrayLike<number>;

/** The inputs and outputs of a layer. */
export interface LayerRun {
  readonly task: FoldTask;
  /** The layer of the original network. */
  readonly layer: Layer;
  readonly attempt: FoldAttempt;
  readonly verdict: CheckFoldRow;
  /** Its input in the original network. */
  readonly x: { readonly data: Values; readonly shape: Shape };
  /** The original's output after its last normalization. */
  readonly original: Values;
  /** The folded layer's output for x. */
  readonly fed: { readonly data: Values; readonly shape: Shape };
  /** The folded network's output. */
  readonly network: Values;
}

/** The number of products per layer that may be computed again in float64. */
const BUDGET = 2 ** 24;
/** The least number of outputs per channel for which this is done, if the budget allows. */
const SAMPLES = 4;

/** Judges one layer by its inputs and outputs (F-3). */
export function proveLayer(run: LayerRun): ProofRow {
  const { task, layer, attempt, verdict, x, original, fed, network } = run;
  const dtype = layer.values.narrow ?? layer.values.dtype;
  const map = linearMapOf({ node: layer.node, x: x.shape, weights: layer.values.dims, y: fed.shape });
  const right = rightFold(task);
  const { u, smallest = 0 } = attempt;
  const { u: own, smallest: eta } = FLOAT_TYPES[dtype];
  const p = { u: own, eta };
  const sides: Sides = { task, right, p, stored: { u, smallest } };
  const channelOf = channelIn(fed.shape, map.yAxis);
  const head = headOf(task, verdict, dtype, fed.shape);
  if (original.length !== fed.data.length) {
    const reason = `it gives ${fed.data.length} values, and the original gives ${original.length}`;
    return { ...head, ...NOTHING, status: "failed", reason };
  }
  const errors = channelErrors(sides, rangesOf(x, map.xAxis, task.layout.inputs));
  const bounds = errors.map((one) => one.original + one.folded);
  const all = worstOf(original, channelOf, (i, c) => ({ got: fed.data[i] as number, bound: bounds[c] as number }));
  const whole = worstOf(original, channelOf, (i, c) => ({ got: network[i] as number, bound: bounds[c] as number }));
  const chosen = samplesOf(all.byChannel, original, channelOf, Math.floor(BUDGET / Math.max(1, head.terms)));
  const exact = chosen.map((i) => ({ i, ...exactOutput(sides, map, x.data, i, channelOf(i)) }));
  const against = (values: Values, side: "original" | "folded") =>
    exact.reduce<ProofComparison | null>((worst, one) => {
      return worse(worst, comparison(one.i, channelOf(one.i), values[one.i] as number, one.value, one[side]));
    }, null);
  const found = {
    layerOnly: all.worst,
    float64: against(fed.data, "folded"),
    original: against(original, "original"),
    network: whole.worst,
  };
  const reason = whyFailed(found, verdict, all.lost);
  const lost = lostIn(original, channelOf, right.bias);
  return {
    ...head,
    ...found,
    samples: chosen.length,
    status: reason === "" ? "passed" : "failed",
    reason,
    lostDigits: lost[0]?.digits ?? 0,
    lostChannels: lost.filter(({ digits }) => digits >= 1),
  };
}

const NOTHING = {
  ...{ layerOnly: null, float64: null, original: null, network: null },
  ...{ samples: 0, lostDigits: 0, lostChannels: [] },
};

/** The row of a layer that was not found, or could not be run. */
export function unproven(task: FoldTask, verdict: CheckFoldRow, dtype: string, reason: string): ProofRow {
  return { ...headOf(task, verdict, dtype, []), ...NOTHING, status: "failed", reason };
}

function headOf({ label, weights, layout }: FoldTask, verdict: CheckFoldRow, dtype: string, shape: Shape) {
  const { found, normalizations, status, ratio, at, mistake } = verdict;
  const terms = layout.outputs === 0 ? 0 : weights.length / layout.outputs;
  return { layer: label, found, normalizations, shape, dtype, terms, weights: { status, ratio, at, mistake } };
}

function whyFailed(
  { layerOnly, float64 }: Pick<ProofRow, "layerOnly" | "float64">,
  { status, mistake, evidence }: CheckFoldRow,
  lost: number,
): string {
  if (status !== "right") return mistake ?? `the weights are ${status}: ${evidence}`;
  if (lost > 0) return `${lost} outputs are not finite where the original's are`;
  if (layerOnly === null)
    return "nothing was compared: the original gives no finite value here; pass another input with --input";
  const off = (name: string, { ratio, channel }: ProofComparison) =>
    `channel ${channel} differs from ${name} by ${ratio.toPrecision(3)} times the bound`;
  if (!(layerOnly.ratio <= 1)) return off("the original", layerOnly);
  return float64 && !(float64.ratio <= 1) ? off("float64", float64) : "";
}

/** The largest magnitude per input channel. Values that are not finite are ignored. */
function rangesOf({ data, shape }: LayerRun["x"], axis: number, channels: number): Float64Array {
  const ranges = new Float64Array(channels);
  const channelOf = channelIn(shape, axis);
  for (let i = 0; i < data.length; i++) {
    const size = Math.abs(data[i] as number);
    const c = channelOf(i);
    if (Number.isFinite(size) && size > (ranges[c] ?? 0)) ranges[c] = size;
  }
  return ranges;
}

function comparison(index: number, channel: number, got: number, expected: number, bound: number): ProofComparison {
  const error = Math.abs(got - expected);
  const ratio = error === 0 ? 0 : error / bound;
  return { ratio: Number.isNaN(ratio) ? Number.POSITIVE_INFINITY : ratio, error, bound, channel, index, got, expected };
}

function worse(a: ProofComparison | null, b: ProofComparison): ProofComparison {
  return a !== null && a.ratio >= b.ratio ? a : b;
}

/** The worst output of all, and of each channel. `lost` counts outputs that are finite only in the original. */
function worstOf(
  original: Values,
  channelOf: (i: number) => number,
  at: (i: number, c: number) => { readonly got: number; readonly bound: number },
) {
  const byChannel = new Map<number, ProofComparison>();
  let lost = 0;
  for (let i = 0; i < original.length; i++) {
    const expected = original[i] as number;
    if (!Number.isFinite(expected)) continue;
    const c = channelOf(i);
    const { got, bound } = at(i, c);
    if (!Number.isFinite(got)) lost++;
    const before = byChannel.get(c);
    const error = Math.abs(got - expected);
    if (before === undefined || !(error / bound <= before.ratio))
      byChannel.set(c, comparison(i, c, got, expected, bound));
  }
  const worst = [...byChannel.values()].reduce<ProofComparison | null>(worse, null);
  return { byChannel, worst, lost };
}

/** The outputs to compute in float64: the worst of each channel, then some spread over the tensor, up to `most`. */
function samplesOf(
  worst: ReadonlyMap<number, ProofComparison>,
  original: Values,
  channelOf: (i: number) => number,
  most: number,
): number[] {
  const first = [...worst.values()].toSorted((a, b) => b.ratio - a.ratio).map(({ index }) => index);
  const chosen = new Set(first.slice(0, Math.max(1, most)));
  const wanted = Math.min(most, worst.size * SAMPLES, original.length);
  const step = original.length / Math.max(1, wanted - chosen.size);
  for (let k = 0; k * step < original.length && chosen.size < wanted; k++) {
    const i = Math.floor(k * step);
    if (worst.has(channelOf(i)) && Number.isFinite(original[i])) chosen.add(i);
  }
  return [...chosen];
}
