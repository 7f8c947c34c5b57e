import { createBatchNormScale, type Dtype, type HostArray } from "@bn/core";
import type { Case, Comparison, Needs } from "../case.ts";
import { type Precision, precisionOf } from "../truth/bounds.ts";
import { compare } from "../truth/compare.ts";
import { channelsOf } from "../truth/oracle.ts";
import {
  type BackwardTruth,
  backwardTruth,
  batchStats,
  forwardTruth,
  perChannel,
  storedStats,
  type Truth,
} from "../truth/truth.ts";
import { DTYPES, hostArray, normals, OFFSET, sample } from "./data.ts";
import { type AffineValues, affineFor, geometryOf, type Scope, withScope } from "./layer-kit.ts";
import { random } from "./random.ts";

/** One forward and backward of a BatchNormScale. */
interface Setting {
  readonly shape: readonly number[];
  readonly x: HostArray;
  readonly dy: HostArray;
  readonly axis?: number;
  readonly eps?: number;
  readonly inPlace?: boolean;
  readonly global?: boolean;
}
interface Outcome {
  readonly y: HostArray;
  readonly dx: HostArray;
  /** The largest error that a right backend may have. */
  readonly top: Truth;
  readonly grads: BackwardTruth;
}
interface Tools {
  readonly scope: Scope;
  readonly p: Precision;
  readonly dtype: Dtype;
  readonly seed: string;
  readonly affine: AffineValues;
  outcome(setting: Setting): Promise<Outcome>;
}

const SHAPE = [4, 3, 5, 5];
const G = geometryOf(SHAPE);
const COUNT = 300;
const RUNNING = { mean: [9990, -11_000, 12_500], variance: [10, 20, 5], factor: 10 };

async function outcome(scope: Scope, p: Precision, affine: AffineValues, setting: Setting): Promise<Outcome> {
  const { shape, x, dy, axis = 1, eps = 1e-5, inPlace = false, global = false } = setting;
  const layer = scope.own(createBatchNormScale({ axis, eps, biasTerm: true, useGlobalStats: global }));
  const bottom = scope.filled(shape, x);
  const top = inPlace ? bottom : scope.blob();
  layer.setUp([bottom], [top]);
  const { mean, variance, factor } = RUNNING;
  const values = [mean, variance, [factor], affine.gamma, affine.beta];
  for (const [i, value] of values.entries()) if (global || i > 2) layer.blobs[i]?.write(value);
  layer.forward([bottom], [top]);
  const y = await top.read();
  top.writeDiff(dy);
  layer.backward([top], [true], [bottom]);
  const g = geometryOf(shape, axis);
  const running = { mean: channelsOf(mean), variance: channelsOf(variance), factor: { hi: factor, lo: 0 } };
  const stats = global ? storedStats(p, running) : batchStats(p, x, g);
  const problem = { x, g, eps: Math.fround(eps), affine: affine.truth };
  const grads = backwardTruth(p, problem, dy, stats);
  return { y, dx: await bottom.readDiff(), top: forwardTruth(p, problem, stats), grads };
}

/**
 * Compares both results with each other. Each may be off by its own bound. `from[i]` is the position in `a` of element
 * i of `b`.
 */
function agree(what: string, a: Outcome, b: Outcome, from: (i: number) => number, factor = 1): Comparison[] {
  const pick = (values: ArrayLike<number>) => Float64Array.from(b.y, (_, i) => values[from(i)] as number);
  const bound = (one: Truth, other: Truth, k: number) => {
    const mine = pick(one.bound);
    return mine.map((value, i) => value * k + (other.bound[i] as number));
  };
  return [
    compare(`top, ${what}`, b.y, pick(a.y), bound(a.top, b.top, 1), G),
    compare(
      `bottom.diff, ${what}`,
      b.dx,
      pick(a.dx).map((value) => value * factor),
      bound(a.grads.dx, b.grads.dx, Math.abs(factor)),
      G,
    ),
  ];
}

/** Compares bit for bit. */
function identical(what: string, a: Outcome, b: Outcome): Comparison[] {
  return [compare(`top, ${what}`, b.y, a.y, 0, G), compare(`bottom.diff, ${what}`, b.dx, a.dx, 0, G)];
}

const same = (i: number) => i;

/** Maps element i of [N, C, H * W] to [N, H * W, C]. */
function toLast(i: number): number {
  const [n, c, s] = [Math.floor(i / 75), Math.floor(i / 25) % 3, i % 25];
  return (n * 25 + s) * 3 + c;
}

/** Multiples of 2^-8 within [-4, 4], whose sums with 64 are exact in either dtype. */
function shortNumbers(seed: string, dtype: Dtype): HostArray {
  const r = random(seed);
  return hostArray(dtype, COUNT).map(() => r.integer(-1024, 1024) / 256);
}

interface Row {
  readonly name: string;
  readonly clause: string;
  readonly needs?: Needs;
  run(t: Tools, x: HostArray, dy: HostArray): Promise<Comparison[]>;
}

const TABLE: readonly Row[] = [
  {
    name: "permuted-batch",
    clause: "BN-5",
    async run(t, x, dy) {
      const turned = (i: number) => ((3 - Math.floor(i / 75)) * 75 + (i % 75)) as number;
      const turn = (values: HostArray) => values.map((_, i) => values[turned(i)] as number);
      const a = await t.outcome({ shape: SHAPE, x, dy });
      const b = await t.outcome({ shape: SHAPE, x: turn(x), dy: turn(dy) });
      return agree("batch reversed", a, b, turned);
    },
  },
  {
    name: "shifted",
    clause: "BN-5",
    async run(t, _, dy) {
      const x = shortNumbers(t.seed, t.dtype);
      const a = await t.outcome({ shape: SHAPE, x, dy });
      const b = await t.outcome({ shape: SHAPE, x: x.map((value) => value + 64), dy });
      return agree("x + 64", a, b, same);
    },
  },
  {
    name: "scaled-by-powers-of-two",
    clause: "BN-5",
    async run(t, x, dy) {
      const a = await t.outcome({ shape: SHAPE, x, dy, eps: 0 });
      const up = await t.outcome({ shape: SHAPE, x: x.map((value) => value * 2 ** 20), dy, eps: 0 });
      const down = await t.outcome({ shape: SHAPE, x: x.map((value) => value * -(2 ** -12)), dy, eps: 0 });
      const mirrored = { ...a, y: a.y.map((y, i) => 2 * (t.affine.beta[Math.floor(i / 25) % 3] as number) - y) };
      return [
        ...agree("2^20 x", a, up, same, 2 ** -20),
        // y - beta changes its sign. Negating rounds once more, which twice the bound of `a` covers.
        ...agree("-2^-12 x", { ...mirrored, top: doubled(a.top) }, down, same, -(2 ** 12)).slice(0, 1),
      ];
    },
  },
  {
    name: "channels-last",
    clause: "BN-1",
    async run(t, x, dy) {
      const last = (values: HostArray) => {
        const out = hostArray(t.dtype, values.length);
        for (let i = 0; i < values.length; i++) out[toLast(i)] = values[i] as number;
        return out;
      };
      const a = await t.outcome({ shape: [4, 5, 5, 3], axis: -1, x: last(x), dy: last(dy) });
      const b = await t.outcome({ shape: SHAPE, x, dy });
      return agree("NHWC against NCHW", a, b, toLast);
    },
  },
  {
    name: "in-place",
    clause: "L-4",
    needs: { deterministic: true },
    async run(t, x, dy) {
      const a = await t.outcome({ shape: SHAPE, x, dy });
      const b = await t.outcome({ shape: SHAPE, x, dy, inPlace: true });
      const c = await t.outcome({ shape: SHAPE, x, dy, global: true });
      const d = await t.outcome({ shape: SHAPE, x, dy, global: true, inPlace: true });
      return [...identical("batch", a, b), ...identical("global", c, d)];
    },
  },
  {
    name: "repeated",
    clause: "L-5",
    needs: { deterministic: true },
    async run(t, x, dy) {
      const a = await t.outcome({ shape: SHAPE, x, dy });
      await t.outcome({ shape: [2, 3, 7], x: x.slice(0, 42), dy: dy.slice(0, 42) });
      return identical("again", a, await t.outcome({ shape: SHAPE, x, dy }));
    },
  },
  {
    name: "split-batch",
    clause: "BN-6",
    async run(t, x, dy) {
      const a = await t.outcome({ shape: SHAPE, x, dy, global: true });
      const done: Comparison[] = [];
      for (const n of [0, 1, 2, 3]) {
        const [from, to] = [n * 75, n * 75 + 75];
        const b = await t.outcome({ shape: [1, 3, 5, 5], x: x.slice(from, to), dy: dy.slice(from, to), global: true });
        done.push(...agree(`sample ${n} alone`, a, b, (i) => i + from));
      }
      return done;
    },
  },
  {
    name: "gradients-sum-to-0",
    clause: "BN-10",
    async run(t, x, dy) {
      const { dx, grads } = await t.outcome({ shape: SHAPE, x, dy });
      const [sum, bound] = [new Float64Array(3), new Float64Array(3)];
      for (let i = 0; i < COUNT; i++) {
        const c = Math.floor(i / 25) % 3;
        sum[c] = (sum[c] as number) + (dx[i] as number);
        bound[c] = (bound[c] as number) + (grads.dx.bound[i] as number);
      }
      return [compare("sum of bottom.diff", sum, [0, 0, 0], bound, perChannel(3))];
    },
  },
];

function doubled(t: Truth): Truth {
  return { ...t, bound: Float64Array.from(t.bound, (b) => 2 * b) };
}

/** Relations that must hold when the input changes in a known way. The oracle is used only for the bounds. */
export function metamorphicCases(): Case[] {
  return DTYPES.flatMap((dtype) =>
    TABLE.map(({ name, clause, needs = {}, run }): Case => {
      const id = `metamorphic/${name}/${dtype}`;
      return {
        id,
        group: "metamorphic",
        clause,
        needs: { dtype, ...needs },
        run: ({ backend }) =>
          withScope(backend, dtype, (scope) => {
            const p = precisionOf(dtype, backend.supports);
            const affine = affineFor(id, 3, dtype);
            const tools = { scope, p, dtype, seed: id, affine, outcome: (s: Setting) => outcome(scope, p, affine, s) };
            return run(tools, sample(`${id}|x`, OFFSET, G, dtype), normals(`${id}|dy`, COUNT, dtype));
          }),
      };
    }),
  );
}
