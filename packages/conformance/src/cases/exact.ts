import { createBatchNormScale, type Dtype, type Geometry, type HostArray } from "@bn/core";
import type { Case } from "../case.ts";
import { gradSumBounds } from "../truth/bounds.ts";
import { channelsOf, each, gradSums, moments, normalize, valuesOf } from "../truth/oracle.ts";
import { check, perChannel, truthOf } from "../truth/truth.ts";
import { DTYPES, hostArray } from "./data.ts";
import { geometryOf, scopedCase } from "./layer-kit.ts";
import { withOperands } from "./operands.ts";
import { random } from "./random.ts";

/** m is a power of two, so that sum / m is exact. */
const SHAPES: readonly (readonly number[])[] = [
  [4, 3, 4, 4],
  [2, 5, 16, 16],
  [64, 7],
  [1, 2, 1024],
  [8, 70, 8],
];

/**
 * The data follow oneDNN's benchdnn. A channel consists of pairs mean + d, mean - d with d = 2^k or 0. Half of them are
 * 0, so that the variance is a power of four and x^ has one bit. Every partial sum, in any order, is a small integer
 * times a power of two.
 */
function exactData(seed: string, g: Geometry, dtype: Dtype): { x: HostArray; dy: HostArray } {
  const r = random(seed);
  const size = g.outer * g.channels * g.inner;
  const [x, dy] = [hostArray(dtype, size), hostArray(dtype, size)];
  const mean = hostArray(dtype, g.channels).map(() => r.integer(-8, 8));
  const step = Array.from({ length: g.channels }, () => 2 ** r.integer(-2, 2));
  const seen = new Int32Array(g.channels);
  each(g, (i, c) => {
    const n = seen[c] as number;
    seen[c] = n + 1;
    // Of each eight values, one pair deviates by 2 steps and the rest do not: variance = 2 * 4 / 8 = 1 step^2.
    const d = n % 8 === 2 ? 2 : n % 8 === 3 ? -2 : 0;
    x[i] = (mean[c] as number) + d * (step[c] as number);
    dy[i] = r.uniform() < 0.5 ? 0 : r.integer(-2, 2);
  });
  return { x, dy };
}

/** N-7: the sums round nowhere, so there is no tolerance. */
export function exactCases(): Case[] {
  return DTYPES.flatMap((dtype) =>
    SHAPES.flatMap((shape) => [
      momentsCase(shape, dtype),
      exactCase(shape, dtype, true),
      exactCase(shape, dtype, false),
    ]),
  );
}

function momentsCase(shape: readonly number[], dtype: Dtype): Case {
  const id = `exact/moments/${shape.join("x")}/${dtype}`;
  return {
    id,
    group: "exact",
    clause: "N-7",
    needs: { dtype },
    run: ({ backend }) =>
      withOperands(backend, dtype, async (o) => {
        const g = geometryOf(shape);
        const { x } = exactData(id, g, dtype);
        const out = { mean: o.output(g.channels), variance: o.output(g.channels) };
        backend.kernels.moments(o.input(x), g, out);
        const { mean, variance } = moments(x, g);
        const row = perChannel(g.channels);
        const bound = new Float64Array(g.channels);
        return [
          check("mean", await o.read("mean", out.mean), { expected: valuesOf(mean), bound }, row),
          check("variance", await o.read("variance", out.variance), { expected: valuesOf(variance), bound }, row),
        ];
      }),
  };
}

function exactCase(shape: readonly number[], dtype: Dtype, fused: boolean): Case {
  const id = `exact/${shape.join("x")}/${fused ? "" : "unfused/"}${dtype}`;
  return scopedCase({ id, group: "exact", clause: "N-7", dtype, fused }, async ({ p, single, backend }) => {
    const g = geometryOf(shape);
    const { x, dy } = exactData(id, g, dtype);
    const layer = single(createBatchNormScale({ eps: 0, biasTerm: true, movingAverageFraction: 1 }), shape, x);
    const r = random(`${id}|affine`);
    const powers = () => hostArray(dtype, g.channels).map(() => (r.uniform() < 0.5 ? -1 : 1) * 2 ** r.integer(-2, 2));
    const [gamma, beta] = [powers(), powers()];
    layer.write(3, gamma, beta);
    layer.forward();
    layer.backward(dy);

    const stats = moments(x, g);
    const m = g.outer * g.inner;
    const sums = gradSums(dy, x, g, stats, 0);
    const off = gradSumBounds(p, dy, x, g, stats, 0, sums, null);
    const none = new Float64Array(g.channels);
    const row = perChannel(g.channels);
    const exact = backend.supports.correctlyRounded;
    const y = normalize(x, g, stats, 0, { gamma: channelsOf(gamma), beta: channelsOf(beta) });
    // If sqrt and division round correctly, r is a power of two. Otherwise it has an error of its own.
    const bound = exact ? 0 : p.k * p.u;
    const yBound = y.map(
      (value, i) => bound * (Math.abs(value) + 2 * Math.abs(beta[Math.floor(i / g.inner) % g.channels] ?? 0)),
    );
    const varianceSum = valuesOf(stats.variance).map((v) => v * (m / (m - 1)));
    const dGamma = exact ? { expected: valuesOf(sums.dyXhat), bound: none } : truthOf(p, sums.dyXhat, off.dyXhat);
    return [
      check("blobs[0], the mean", await layer.read(0), { expected: valuesOf(stats.mean), bound: none }, row),
      // m / (m - 1) is not a short number: it is rounded once, and the product once.
      check(
        "blobs[1]",
        await layer.read(1),
        { expected: varianceSum, bound: varianceSum.map((v) => 2 * p.u * v) },
        row,
      ),
      check("blobs[3].diff", await layer.readDiff(3), dGamma, row),
      check("blobs[4].diff", await layer.readDiff(4), { expected: valuesOf(sums.dy), bound: none }, row),
      check("top", await layer.top.read(), { expected: y, bound: yBound }, g),
    ];
  });
}
