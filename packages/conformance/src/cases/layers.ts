import {
  type Blob,
  createBatchNorm,
  createBatchNormScale,
  type Dtype,
  type Geometry,
  type HostArray,
  type Layer,
} from "@bn/core";
import type { Case, Comparison } from "../case.ts";
import { dd } from "../truth/dd.ts";
import { channelsOf, correctionOf, type RunningStats } from "../truth/oracle.ts";
import {
  averaged,
  backwardTruth,
  batchStats,
  check,
  forwardTruth,
  type Problem,
  perChannel,
  runningTruth,
  runningTruths,
  type StatsTruth,
  storedStats,
} from "../truth/truth.ts";
import { DISTRIBUTIONS, type Distribution, DTYPES, factors, NORMAL, normals, sample } from "./data.ts";
import { affineFor, blobOf, freshRunning, geometryOf, scopedCase, type Tools } from "./layer-kit.ts";
import type { Tier } from "./sweep/sizes.ts";

/** The source of a layer's statistics (BN-3). */
interface Mode {
  readonly name: "batch" | "global" | "no-update";
  readonly params: {
    readonly phase?: "train" | "test";
    readonly useGlobalStats?: boolean;
    readonly updateStats?: boolean;
  };
  readonly forward: string;
  readonly backward: string;
}
const BATCH: Mode = { name: "batch", params: {}, forward: "BN-5", backward: "BN-10" };
const GLOBAL: Mode = { name: "global", params: { phase: "test" }, forward: "BN-6", backward: "BN-11" };
const NO_UPDATE: Mode = { name: "no-update", params: { updateStats: false }, forward: "BN-7", backward: "BN-10" };

type LayerType = "BatchNorm" | "BatchNormScale";

/** One layer with one bottom. */
interface Setting {
  readonly type: LayerType;
  readonly mode: Mode;
  readonly from: Distribution;
  readonly shape: readonly number[];
  readonly axis: number;
  readonly dtype: Dtype;
  readonly fused: boolean;
  readonly inPlace: boolean;
}

const PLAIN = { type: "BatchNorm", mode: BATCH, from: NORMAL, axis: 1, fused: true, inPlace: false } as const;

/** Shapes of rank 1 to 5, one channel, one value, m = 1, and channels-last. */
const SHAPES: readonly { readonly shape: readonly number[]; readonly axis: number }[] = [
  { shape: [6], axis: 1 },
  { shape: [16, 5], axis: 1 },
  { shape: [1, 5], axis: 1 },
  { shape: [1, 5, 1, 1], axis: 1 },
  { shape: [3, 1, 7], axis: 1 },
  { shape: [1, 3, 17], axis: 1 },
  { shape: [2, 3, 2, 3, 4], axis: 1 },
  { shape: [2, 1, 1, 1, 1], axis: 1 },
  { shape: [4, 5, 5, 3], axis: -1 },
  { shape: [9, 4], axis: -1 },
  { shape: [7], axis: 0 },
  { shape: [2, 3, 4, 5], axis: -2 },
];

/** Shapes that are combined with every distribution. */
const SHAPES_OF_DATA: readonly (readonly number[])[] = [
  [4, 3, 5, 5],
  [32, 3, 7, 7],
  [64, 4],
];

export function scopedCases(tier: Tier): Case[] {
  const shapes = tier === "quick" ? SHAPES_OF_DATA.slice(0, 1) : SHAPES_OF_DATA;
  return DTYPES.flatMap((dtype) => [
    ...(["BatchNorm", "BatchNormScale"] as const).flatMap((type) => [
      ...[BATCH, GLOBAL, NO_UPDATE].flatMap((mode) =>
        SHAPES.flatMap(({ shape, axis }) => cases({ ...PLAIN, type, mode, shape, axis, dtype })),
      ),
      ...DISTRIBUTIONS.flatMap((from) =>
        shapes.flatMap((shape) => [
          ...cases({ ...PLAIN, type, from, shape, dtype }),
          ...cases({ ...PLAIN, type, from, shape, dtype, fused: false }),
          ...cases({ ...PLAIN, type, mode: GLOBAL, from, shape, dtype }),
        ]),
      ),
      ...[BATCH, GLOBAL].flatMap((mode) => cases({ ...PLAIN, type, mode, shape: [4, 3, 5, 5], dtype, inPlace: true })),
    ]),
  ]);
}

function cases(setting: Setting): Case[] {
  const { type, mode, from, shape, axis, dtype, fused, inPlace } = setting;
  const path = [
    type,
    mode.name,
    from.name,
    shape.join("x") + (axis === 1 ? "" : `@${axis}`),
    ...(inPlace ? ["in-place"] : []),
    ...(fused ? [] : ["unfused"]),
    dtype,
  ].join("/");
  const special = from.needs.nonFinite === true;
  const m1 = shape.length > 1 && geometryOf(shape, axis).outer * geometryOf(shape, axis).inner === 1;
  const make = (pass: Pass, clause: string): Case =>
    scopedCase({ id: `${pass.name}/${path}`, group: "layers", clause, dtype, needs: from.needs, fused }, (t) =>
      pass(t, setting),
    );
  const forwardClause = special
    ? "BN-12"
    : m1 && mode === BATCH
      ? "BN-8"
      : type === "BatchNorm"
        ? mode.forward
        : "BS-1";
  const backwardClause = special ? "BN-12" : type === "BatchNorm" ? mode.backward : "BS-2";
  return [make(forward, forwardClause), make(backward, backwardClause)];
}

/** The layer after a forward, and the truth about its statistics and parameters. */
interface Bench {
  readonly layer: Layer;
  readonly bottom: Blob;
  readonly top: Blob;
  readonly g: Geometry;
  readonly problem: Problem;
  readonly running: RunningStats;
  readonly stats: StatsTruth;
}

function bench(t: Tools, { type, mode, from, shape, axis, dtype, inPlace }: Setting): Bench {
  const g = geometryOf(shape, axis);
  const params = { ...mode.params, eps: from.eps, axis, name: "bn1" };
  const scaled = type === "BatchNormScale";
  const x = sample(`${t.id}|x`, from, g, dtype);
  const affine = scaled ? affineFor(t.id, g.channels, dtype) : null;
  // The blobs of setUp are others than those of forward and backward.
  const { layer, write } = t.single(
    scaled ? createBatchNormScale({ ...params, biasTerm: true }) : createBatchNorm(params),
    shape,
  );
  if (affine) write(3, affine.gamma, affine.beta);
  const global = mode === GLOBAL;
  const running = global ? writeStatistics(layer, x, t.id, g, dtype) : freshRunning(g.channels);
  const stats = global ? storedStats(t.p, running) : batchStats(t.p, x, g);
  const bottom = t.filled(shape, x);
  const top = inPlace ? bottom : t.blob();
  layer.forward([bottom], [top]);
  const problem = { x, g, eps: Math.fround(from.eps), affine: affine?.truth ?? null };
  return { layer, bottom, top, g, problem, running, stats };
}

/**
 * Stored statistics near those of x: the first value of each channel if it is finite, and a spread of similar
 * magnitude.
 */
function writeStatistics(layer: Layer, x: HostArray, seed: string, g: Geometry, dtype: Dtype): RunningStats {
  const factor = Math.fround(2.997);
  const spread = factors(`${seed}|spread`, g.channels, dtype, true);
  const first = (c: number) => x[c * g.inner] as number;
  const mean = spread.map((_, c) => (Number.isFinite(first(c)) ? first(c) * factor : 0));
  const variance = spread.map((v, c) => v * Math.min(1e30, Math.max(1e-30, spreadOf(x, g, c) ** 2)));
  for (const [i, values] of [mean, variance, [factor]].entries()) blobOf(layer, i).write(values);
  return { mean: channelsOf(mean), variance: channelsOf(variance), factor: dd(factor) };
}

function spreadOf(x: HostArray, g: Geometry, c: number): number {
  const last = ((g.outer - 1) * g.channels + c) * g.inner;
  const spread = Math.abs((x[c * g.inner] as number) - (x[last] as number));
  return Number.isFinite(spread) && spread > 0 ? spread : 1;
}

type Pass = (t: Tools, setting: Setting) => Promise<Comparison[]>;

async function forward(t: Tools, setting: Setting): Promise<Comparison[]> {
  const { layer, top, g, problem, running, stats } = bench(t, setting);
  const start = runningTruth(running);
  const update = setting.mode === BATCH;
  const after = update ? averaged(t.p, start, stats, Math.fround(0.999), correctionOf(g)) : start;
  const done = [check("top", await top.read(), forwardTruth(t.p, problem, stats), g)];
  for (const [i, { expected, bound }] of runningTruths(t.p, after).entries()) {
    const truth = { expected: poisoned(expected), bound };
    done.push(check(`blobs[${i}]`, poisoned(await blobOf(layer, i).read()), truth, perChannel(expected.length)));
  }
  return done;
}

/** A sum that includes an infinity is infinite or NaN, depending on its order. Both count as NaN. */
function poisoned(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values, (value) => (Number.isFinite(value) ? value : Number.NaN));
}

async function backward(t: Tools, setting: Setting): Promise<Comparison[]> {
  const { layer, bottom, top, g, problem, stats } = bench(t, setting);
  const dy = normals(`${t.id}|dy`, problem.x.length, t.dtype);
  top.writeDiff(dy);
  layer.backward([top], [true], [bottom]);
  const { dx, dGamma, dBeta } = backwardTruth(t.p, problem, dy, stats);
  const done = [check("bottom.diff", await bottom.readDiff(), dx, g)];
  for (const [i, { expected, bound }] of (problem.affine ? [dGamma, dBeta] : []).entries()) {
    const truth = { expected: poisoned(expected), bound };
    const got = poisoned(await blobOf(layer, 3 + i).readDiff());
    done.push(check(`blobs[${3 + i}].diff`, got, truth, perChannel(g.channels)));
  }
  return done;
}
