import { createScale, type Dtype, type Geometry, type ScaleParams } from "@bn/core";
import type { Case, Comparison } from "../case.ts";
import { precisionOf, scaleBound, sumBound } from "../truth/bounds.ts";
import { channelsOf, type GammaBeta, scale, scaleSums } from "../truth/oracle.ts";
import { check, perChannel, truth } from "../truth/truth.ts";
import { DTYPES, factors, normals } from "./data.ts";
import { withScope } from "./layer-kit.ts";

/** One way to apply a scale to a bottom: the parameters, and their meaning by S-2 and S-5, written out by hand. */
interface Layout {
  readonly clause: string;
  readonly shape: readonly number[];
  readonly params: ScaleParams;
  readonly scaleShape: readonly number[];
  readonly geometry: readonly [outer: number, channels: number, inner: number];
}

const row = (
  clause: string,
  shape: readonly number[],
  params: ScaleParams,
  scaleShape: readonly number[],
  geometry: Layout["geometry"],
): Layout => ({ clause, shape, params, scaleShape, geometry });

const LAYOUTS: readonly Layout[] = [
  row("S-2", [4, 3, 5, 5], {}, [3], [4, 3, 25]),
  row("S-2", [4, 3], {}, [3], [4, 3, 1]),
  row("S-2", [2, 3, 4, 5], { axis: -1 }, [5], [24, 5, 1]),
  row("S-2", [2, 3, 4, 5], { axis: -3 }, [3], [2, 3, 20]),
  row("S-2", [2, 3, 4, 5], { axis: 1, numAxes: 2 }, [3, 4], [2, 12, 5]),
  row("S-2", [2, 3, 4, 5], { axis: 2, numAxes: -1 }, [4, 5], [6, 20, 1]),
  row("S-2", [2, 3, 4], { axis: 0, numAxes: -1 }, [2, 3, 4], [1, 24, 1]),
  row("S-2", [2, 3, 4], { axis: 0 }, [2], [1, 2, 12]),
  row("S-2", [2, 3, 4], { numAxes: 0 }, [], [1, 1, 24]),
  row("S-2", [6], { axis: 0 }, [6], [1, 6, 1]),
  row("S-2", [1, 5, 7], {}, [5], [1, 5, 7]),
  row("S-2", [1, 300, 1, 1], {}, [300], [1, 300, 1]),
];

/** With two bottoms, `scaleShape` is the shape of bottom[1], and numAxes is ignored. */
const TWO_BOTTOMS: readonly Layout[] = [
  row("S-5", [4, 3, 5, 5], { numAxes: -1 }, [3], [4, 3, 25]),
  row("S-5", [2, 3, 4, 5], { numAxes: 0 }, [3, 4], [2, 12, 5]),
  row("S-5", [2, 3, 4, 5], { axis: -1 }, [5], [24, 5, 1]),
  row("S-5", [2, 3, 4], { axis: 0 }, [2, 3, 4], [1, 24, 1]),
  row("S-5", [2, 3, 4], { axis: 1 }, [], [1, 1, 24]),
  row("S-5", [2, 3], { axis: 9 }, [], [1, 1, 6]),
];

/** S-1 to S-7 against the oracle: a learnt scale or two bottoms, with and without bias, in place, and accumulating. */
export function scaleCases(): Case[] {
  return DTYPES.flatMap((dtype) =>
    [false, true].flatMap((biasTerm) => [
      ...LAYOUTS.flatMap((layout) =>
        [false, true].map((inPlace) => scaleCase(layout, biasTerm, inPlace, false, dtype)),
      ),
      ...TWO_BOTTOMS.flatMap((layout) =>
        [false, true].map((inPlace) => scaleCase(layout, biasTerm, inPlace, true, dtype)),
      ),
    ]),
  );
}

function scaleCase(layout: Layout, biasTerm: boolean, inPlace: boolean, two: boolean, dtype: Dtype): Case {
  const { clause, shape, params, scaleShape } = layout;
  const { axis = 1, numAxes = 1 } = params;
  const id = [
    two ? "scale/two-bottoms" : "scale/learnt",
    `${shape.join("x")}@${axis}+${two ? `(${scaleShape.join("x")})` : numAxes}`,
    ...(biasTerm ? ["bias"] : []),
    ...(inPlace ? ["in-place"] : []),
    dtype,
  ].join("/");
  return {
    id,
    group: "layers",
    clause,
    needs: { dtype },
    run: ({ backend }) =>
      withScope(backend, dtype, async (scope) => {
        const p = precisionOf(dtype, backend.supports);
        const [outer, channels, inner] = layout.geometry;
        const g: Geometry = { outer, channels, inner };
        const count = outer * channels * inner;
        const [x, dy] = [normals(`${id}|x`, count, dtype), normals(`${id}|dy`, count, dtype)];
        const gamma = factors(`${id}|gamma`, channels, dtype);
        const beta = normals(`${id}|beta`, channels, dtype);
        const affine: GammaBeta = { gamma: channelsOf(gamma), beta: biasTerm ? channelsOf(beta) : null };

        const layer = scope.own(createScale({ ...params, biasTerm }));
        const bottom = scope.filled(shape, x);
        const factor = two ? scope.filled(scaleShape, gamma) : null;
        const bottoms = factor ? [bottom, factor] : [bottom];
        const top = inPlace ? bottom : scope.blob();
        layer.setUp(bottoms, [top]);
        if (layer.blobs.length !== (two ? 0 : 1) + (biasTerm ? 1 : 0)) {
          throw new Error(`${layer.blobs.length} blobs: S-4 and S-5 say otherwise`);
        }
        const scaleBlob = factor ?? layer.blobs[0];
        const biasBlob = biasTerm ? layer.blobs[layer.blobs.length - 1] : undefined;
        if (`${scaleBlob?.shape}` !== `${scaleShape}`) throw new Error(`the scale has shape [${scaleBlob?.shape}]`);
        scaleBlob?.write(gamma);
        biasBlob?.write(beta);

        const done: Comparison[] = [];
        layer.forward(bottoms, [top]);
        done.push(check("top", await top.read(), truth(p, scale(x, g, affine), scaleBound(p, x, g, affine)), g));

        // Runs twice, and fills bottom[1].diff in between (S-7).
        factor?.writeDiff(factors(`${id}|dirty`, channels, dtype));
        const sums = scaleSums(dy, x, g);
        for (const times of [1, 2]) {
          top.writeDiff(dy); // in place, backward has overwritten it
          layer.backward(
            [top],
            bottoms.map(() => true),
            bottoms,
          );
          const noBias: GammaBeta = { gamma: affine.gamma, beta: null };
          const expected = truth(p, scale(dy, g, noBias), scaleBound(p, dy, g, noBias));
          done.push(check(`bottom[0].diff, backward ${times}`, await bottom.readDiff(), expected, g));
          const grads = [
            {
              what: two ? "bottom[1].diff" : "blobs[0].diff",
              blob: scaleBlob,
              sum: sums.gamma,
              of: x,
              n: two ? 1 : times,
            },
            { what: "bias.diff", blob: biasBlob, sum: sums.beta, of: null, n: times },
          ];
          for (const { what, blob, sum, of, n } of grads) {
            if (!blob) continue;
            const total = Float64Array.from(sum, ({ hi }) => hi * n);
            const bound = sumBound(p, dy, of, g, sum, total).map((b) => b * n);
            done.push(
              check(`${what}, backward ${times}`, await blob.readDiff(), truth(p, total, bound), perChannel(channels)),
            );
          }
        }
        layer.clearParamDiffs();
        for (const blob of layer.blobs) {
          const zero = { expected: new Float64Array(channels), bound: new Float64Array(channels) };
          done.push(check("diff after clearParamDiffs", await blob.readDiff(), zero, perChannel(channels)));
        }
        return done;
      }),
  };
}
