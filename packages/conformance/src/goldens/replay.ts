import { type Precision, type StatErrors, scaleBound, sumBound } from "../truth/bounds.ts";
import { dd } from "../truth/dd.ts";
import * as oracle from "../truth/oracle.ts";
import type { Truth } from "../truth/truth.ts";
import * as truths from "../truth/truth.ts";
import type { Output } from "./outputs.ts";
import { biasOf, type Seen, scaleOf, seenBy } from "./seen.ts";
import type { GoldenBatchNorm, GoldenCase, GoldenLayer, GoldenScale, GoldenTensor } from "./types.ts";

/** The results that a layer should compute at one step, in the order of Caffe's arrays. */
type Truths = Partial<Readonly<Record<Output["kind"], readonly Truth[]>>>;

/** Every output of a case by the oracle, each from the input of Caffe's layer at that step, with the bounds of `p`. */
export function replay(one: GoldenCase, outputs: readonly Output[], p: Precision): Truth[] {
  const steps = new Map<string, Truths>();
  return outputs.map(({ step, layer, kind, part }) => {
    const key = `${step} ${layer}`;
    const found = steps.get(key) ?? truthsOf(one.layers[layer] as GoldenLayer, seenBy(one, step, layer), p);
    steps.set(key, found);
    return found[kind]?.[part] as Truth;
  });
}

function truthsOf(golden: GoldenLayer, seen: Seen, p: Precision): Truths {
  return golden.type === "BatchNorm" ? batchNorm(golden, seen, p) : scale(golden, seen, p);
}

/** BN-5 to BN-11, with the bounds N-2 to N-8. */
function batchNorm({ effective }: GoldenBatchNorm, seen: Seen, p: Precision): Truths {
  const { useGlobalStats, fraction, eps } = effective;
  const { geometry: g, bottom, blobs, topDiff } = seen;
  const x = (bottom[0] as GoldenTensor).data;
  const problem = { x, g, eps, affine: null };
  const [sums, squares, factor] = blobs as [GoldenTensor, GoldenTensor, GoldenTensor];
  const before = truths.runningTruth({
    mean: oracle.channelsOf(sums.data),
    variance: oracle.channelsOf(squares.data),
    factor: dd(factor.data[0] as number),
  });
  const taken = useGlobalStats ? truths.storedStats(p, before.running) : truths.batchStats(p, x, g);
  const stats = { ...taken, errors: finite(taken.errors) };
  if (topDiff) return { bottomDiff: [truths.backwardTruth(p, problem, topDiff.data, stats).dx] };
  const top = [truths.forwardTruth(p, problem, stats)];
  if (useGlobalStats) return { top, blob: blobs.map(unchanged) };
  const { running, errors } = truths.averaged(p, before, stats, fraction, oracle.correctionOf(g));
  const blob = [
    truths.truthOf(p, running.mean, errors.mean),
    truths.truthOf(p, running.variance, errors.variance),
    truths.truthOf(p, [running.factor], errors.factor),
  ];
  return { top, blob };
}

/** S-1 to S-7, with the bounds N-1 and N-8. Diffs of blobs accumulate. */
function scale({ effective }: GoldenScale, seen: Seen, p: Precision): Truths {
  const { geometry: g, bottom, blobs, topDiff, blobDiffs } = seen;
  const x = (bottom[0] as GoldenTensor).data;
  const gamma = oracle.channelsOf(scaleOf(seen));
  const bias = biasOf(seen, effective);
  const scaled = (input: ArrayLike<number>, beta: ArrayLike<number> | null) => {
    const affine = { gamma, beta: beta && oracle.channelsOf(beta) };
    return truths.truth(p, oracle.scale(input, g, affine), scaleBound(p, input, g, affine));
  };
  if (!topDiff) return { top: [scaled(x, bias)], blob: blobs.map(unchanged) };

  const dy = topDiff.data;
  const sums = oracle.scaleSums(dy, x, g);
  const added = (before: ArrayLike<number>, sum: oracle.Channels, by: ArrayLike<number> | null) => {
    const total = Float64Array.from(before, (old, c) => old + (sum[c]?.hi as number));
    return truths.truth(p, total, sumBound(p, dy, by, g, sum, before));
  };
  const none = new Float64Array(g.channels);
  const blobDiff = blobs.map((_, i) => {
    const before = blobDiffs?.[i]?.data ?? none;
    const isBias = effective.biasTerm && i === blobs.length - 1;
    return isBias ? added(before, sums.beta, null) : added(before, sums.gamma, x);
  });
  const scaleDiff = bottom.length === 2 ? [added(none, sums.gamma, x)] : [];
  return { bottomDiff: [scaled(dy, null), ...scaleDiff], blobDiff };
}

/** Expects the same bits. */
function unchanged({ data }: GoldenTensor): Truth {
  return { expected: Float64Array.from(data), bound: new Float64Array(data.length) };
}

/** A variance that has overflowed is infinite and has no error. */
function finite({ mean, variance }: StatErrors): StatErrors {
  return { mean, variance: variance.map((d) => (d === Number.POSITIVE_INFINITY ? 0 : d)) };
}
