import { createBatchNormScale, type Dtype, type HostArray } from "@bn/core";
import type { Case, Comparison, Needs } from "../case.ts";
import { compare } from "../truth/compare.ts";
import { dd } from "../truth/dd.ts";
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
import { type AffineValues, affineFor, geometryOf, scopedCase, type Tools } from "./layer-kit.ts";
import { random } from "./random.ts";

/** One forward and backward of a BatchNormScale. */
interface Setting {
  /** Default: `SHAPE`. */
  readonly shape?: readonly number[];
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
type Outcomes = (setting: Setting) => Promise<Outcome>;

const SHAPE = [4, 3, 5, 5];
const G = geometryOf(SHAPE);
const COUNT = 300;
const RUNNING = { mean: [9990, -11_000, 12_500], variance: [10, 20, 5], factor: 10 };

async function outcome({ single, p }: Tools, affine: AffineValues, setting: Setting): Promise<Outcome> {
  const { shape = SHAPE, x, dy, axis = 1, eps = 1e-5, inPlace = false, global = false } = setting;
  const layer = single(createBatchNormScale({ axis, eps, biasTerm: true, useGlobalStats: global }), shape, x, inPlace);
  const { mean, variance, factor } = RUNNING;
  if (global) layer.write(0, mean, variance, [factor]);
  layer.write(3, affine.gamma, affine.beta);
  layer.forward();
  const y = await layer.top.read();
  layer.backward(dy);
  const g = geometryOf(shape, axis);
  const running = { mean: channelsOf(mean), variance: channelsOf(variance), factor: dd(factor) };
  const stats = global ? storedStats(p, running) : batchStats(p, x, g);
  const problem = { x, g, eps: Math.fround(eps), affine: affine.truth };
  const grads = backwardTruth(p, problem, dy, stats);
  return { y, dx: await layer.bottom.readDiff(), top: forwardTruth(p, problem, stats), grads };
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
  run(outcome: Outcomes, x: HostArray, dy: HostArray, t: Tools, affine: AffineValues): Promise<Comparison[]>;
}

const TABLE: readonly Row[] = [
  {
    name: "permuted-batch",
    clause: "BN-5",
    async run(outcome, x, dy) {
      const turned = (i: number) => ((3 - Math.floor(i / 75)) * 75 + (i % 75)) as number;
      const turn = (values: HostArray) => values.map((_, i) => values[turned(i)] as number);
      const a = await outcome({ x, dy });
      const b = await outcome({ x: turn(x), dy: turn(dy) });
      return agree("batch reversed", a, b, turned);
    },
  },
  {
    name: "shifted",
    clause: "BN-5",
    async run(outcome, _, dy, { id, dtype }) {
      const x = shortNumbers(id, dtype);
      const a = await outcome({ x, dy });
      const b = await outcome({ x: x.map((value) => value + 64), dy });
      return agree("x + 64", a, b, same);
    },
  },
  {
    name: "scaled-by-powers-of-two",
    clause: "BN-5",
    async run(outcome, x, dy, _, { beta }) {
      const a = await outcome({ x, dy, eps: 0 });
      const up = await outcome({ x: x.map((value) => value * 2 ** 20), dy, eps: 0 });
      const down = await outcome({ x: x.map((value) => value * -(2 ** -12)), dy, eps: 0 });
      const mirrored = { ...a, y: a.y.map((y, i) => 2 * (beta[Math.floor(i / 25) % 3] as number) - y) };
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
    async run(outcome, x, dy, { dtype }) {
      const last = (values: HostArray) => {
        const out = hostArray(dtype, values.length);
        for (const [i, value] of values.entries()) out[toLast(i)] = value;
        return out;
      };
      const a = await outcome({ shape: [4, 5, 5, 3], axis: -1, x: last(x), dy: last(dy) });
      const b = await outcome({ x, dy });
      return agree("NHWC against NCHW", a, b, toLast);
    },
  },
  {
    name: "in-place",
    clause: "L-4",
    needs: { deterministic: true },
    async run(outcome, x, dy) {
      const a = await outcome({ x, dy });
      const b = await outcome({ x, dy, inPlace: true });
      const c = await outcome({ x, dy, global: true });
      const d = await outcome({ x, dy, global: true, inPlace: true });
      return [...identical("batch", a, b), ...identical("global", c, d)];
    },
  },
  {
    name: "repeated",
    clause: "L-5",
    needs: { deterministic: true },
    async run(outcome, x, dy) {
      const a = await outcome({ x, dy });
      await outcome({ shape: [2, 3, 7], x: x.slice(0, 42), dy: dy.slice(0, 42) });
      return identical("again", a, await outcome({ x, dy }));
    },
  },
  {
    name: "split-batch",
    clause: "BN-6",
    async run(outcome, x, dy) {
      const a = await outcome({ x, dy, global: true });
      const done: Comparison[] = [];
      for (const n of [0, 1, 2, 3]) {
        const [from, to] = [n * 75, n * 75 + 75];
        const b = await outcome({ shape: [1, 3, 5, 5], x: x.slice(from, to), dy: dy.slice(from, to), global: true });
        done.push(...agree(`sample ${n} alone`, a, b, (i) => i + from));
      }
      return done;
    },
  },
  {
    name: "gradients-sum-to-0",
    clause: "BN-10",
    async run(outcome, x, dy) {
      const { dx, grads } = await outcome({ x, dy });
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
    TABLE.map(({ name, clause, needs, run }): Case => {
      const id = `metamorphic/${name}/${dtype}`;
      return scopedCase({ id, group: "metamorphic", clause, dtype, needs }, (t) => {
        const affine = affineFor(id, 3, dtype);
        const [x, dy] = [sample(`${id}|x`, OFFSET, G, dtype), normals(`${id}|dy`, COUNT, dtype)];
        return run((setting) => outcome(t, affine, setting), x, dy, t, affine);
      });
    }),
  );
}
