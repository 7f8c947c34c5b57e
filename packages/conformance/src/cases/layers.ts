import { createBatchNorm, createBatchNormScale, type Dtype, type Geometry, type HostArray, type Layer } from "@bn/core";
import type { Case, Comparison, Needs } from "../case.ts";
import { type Precision, precisionOf } from "../truth/bounds.ts";
import { dd } from "../truth/dd.ts";
import { channelsOf, correctionOf, type RunningStats } from "../truth/oracle.ts";
import {
  averaged,
  backwardTruth,
  batchStats,
  check,
  forwardTruth,
  perChannel,
  runningTruth,
  type StatsTruth,
  storedStats,
  type Truth,
  truthOf,
} from "../truth/truth.ts";
import { DISTRIBUTIONS, type Distribution, DTYPES, factors, NORMAL, normals, sample } from "./data.ts";
import { type AffineValues, affineFor, freshRunning, geometryOf, type Scope, withScope } from "./layer-kit.ts";
import type { Tier } from "./sweep/sizes.ts";
import { withoutFused } from "./without-fused.ts";

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

/** Facts that the clauses of backward need for this data, in both modes. */
export function layerCases(tier: Tier): Case[] {
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
  const needs: Needs = { dtype, ...from.needs, ...(fused ? {} : { fused: true }) };
  const poisoned = from.needs.nonFinite === true;
  const m1 = shape.length > 1 && geometryOf(shape, axis).outer * geometryOf(shape, axis).inner === 1;
  const make = (pass: "forward" | "backward", clause: string): Case => {
    const id = `${pass}/${path}`;
    return {
      id,
      group: "layers",
      clause,
      needs,
      run: ({ backend }) =>
        withScope(fused ? backend : withoutFused(backend), dtype, (scope) =>
          PASSES[pass](scope, setting, precisionOf(dtype, backend.supports), id),
        ),
    };
  };
  const forwardClause = poisoned
    ? "BN-12"
    : m1 && mode === BATCH
      ? "BN-8"
      : type === "BatchNorm"
        ? mode.forward
        : "BS-1";
  const backwardClause = poisoned ? "BN-12" : type === "BatchNorm" ? mode.backward : "BS-2";
  return [make("forward", forwardClause), make("backward", backwardClause)];
}

/** The layer after setUp with its state written, and the truth about its statistics. */
interface Bench {
  readonly layer: Layer;
  readonly x: HostArray;
  readonly affine: AffineValues | null;
  readonly running: RunningStats;
  readonly stats: StatsTruth;
}

function bench(scope: Scope, { type, mode, from, shape, axis, dtype }: Setting, p: Precision, seed: string): Bench {
  const g = geometryOf(shape, axis);
  const params = { ...mode.params, eps: from.eps, axis, name: "bn1" };
  const scaled = type === "BatchNormScale";
  const layer = scope.own(scaled ? createBatchNormScale({ ...params, biasTerm: true }) : createBatchNorm(params));
  const x = sample(`${seed}|x`, from, g, dtype);
  const affine = scaled ? affineFor(seed, g.channels, dtype) : null;
  const bottom = scope.blob(shape);
  layer.setUp([bottom], [scope.blob()]);
  if (affine) {
    layer.blobs[3]?.write(affine.gamma);
    layer.blobs[4]?.write(affine.beta);
  }
  const global = mode === GLOBAL;
  const running = global ? writeStatistics(layer, x, seed, g, dtype) : freshRunning(g.channels);
  return { layer, x, affine, running, stats: global ? storedStats(p, running) : batchStats(p, x, g) };
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
  layer.blobs[0]?.write(mean);
  layer.blobs[1]?.write(variance);
  layer.blobs[2]?.write([factor]);
  return { mean: channelsOf(mean), variance: channelsOf(variance), factor: dd(factor) };
}

function spreadOf(x: HostArray, g: Geometry, c: number): number {
  const last = ((g.outer - 1) * g.channels + c) * g.inner;
  const spread = Math.abs((x[c * g.inner] as number) - (x[last] as number));
  return Number.isFinite(spread) && spread > 0 ? spread : 1;
}

type Pass = (scope: Scope, s: Setting, p: Precision, seed: string) => Promise<Comparison[]>;

const forward: Pass = async (scope, s, p, seed) => {
  const g = geometryOf(s.shape, s.axis);
  const { layer, x, affine, running, stats } = bench(scope, s, p, seed);
  const bottom = scope.filled(s.shape, x);
  const top = s.inPlace ? bottom : scope.blob();
  layer.forward([bottom], [top]);
  const problem = { x, g, eps: Math.fround(s.from.eps), affine: affine?.truth ?? null };
  const start = runningTruth(running);
  const update = s.mode === BATCH;
  const after = update ? averaged(p, start, stats, Math.fround(0.999), correctionOf(g)) : start;
  const blobs = [after.running.mean, after.running.variance, [after.running.factor]] as const;
  const errors = [after.errors.mean, after.errors.variance, after.errors.factor] as const;
  const done = [check("top", await top.read(), forwardTruth(p, problem, stats), g)];
  for (const i of [0, 1, 2] as const) {
    const expected = poison(truthOf(p, blobs[i], errors[i]));
    const got = poisonValues((await layer.blobs[i]?.read()) ?? []);
    done.push(check(`blobs[${i}]`, got, expected, perChannel(expected.expected.length)));
  }
  return done;
};

/** A sum that includes an infinity is infinite or NaN, depending on its order. Both count as NaN. */
function poisonValues(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values, (value) => (Number.isFinite(value) ? value : Number.NaN));
}

function poison(t: Truth): Truth {
  return { expected: poisonValues(t.expected), bound: t.bound };
}

const backward: Pass = async (scope, s, p, seed) => {
  const g = geometryOf(s.shape, s.axis);
  const { layer, x, affine, stats } = bench(scope, s, p, seed);
  const bottom = scope.filled(s.shape, x);
  const top = s.inPlace ? bottom : scope.blob();
  layer.forward([bottom], [top]);
  const dy = normals(`${seed}|dy`, x.length, s.dtype);
  top.writeDiff(dy);
  layer.backward([top], [true], [bottom]);
  const problem = { x, g, eps: Math.fround(s.from.eps), affine: affine?.truth ?? null };
  const expected = backwardTruth(p, problem, dy, stats);
  const done = [check("bottom.diff", await bottom.readDiff(), expected.dx, g)];
  const row = perChannel(g.channels);
  const grads = affine ? [expected.dGamma, expected.dBeta] : [];
  for (const [i, grad] of grads.entries()) {
    const got = poisonValues((await layer.blobs[3 + i]?.readDiff()) ?? []);
    done.push(check(`blobs[${3 + i}].diff`, got, poison(grad), row));
  }
  return done;
};

const PASSES = { forward, backward };
