import { type Blob, createScale, type Dtype, type Geometry, type HostArray, type ScaleParams } from "@bn/core";
import type { Case } from "../case.ts";
import { scaleBound, sumBound } from "../truth/bounds.ts";
import { type Channels, channelsOf, type GammaBeta, scale, scaleSums } from "../truth/oracle.ts";
import { check, perChannel, truth } from "../truth/truth.ts";
import { DTYPES, factors, normals } from "./data.ts";
import { blobOf, scopedCase } from "./layer-kit.ts";

/** One way to apply a scale to a bottom: the parameters, and their meaning by S-2 and S-5, written out by hand. */
interface Layout {
  readonly shape: readonly number[];
  readonly params: ScaleParams;
  readonly scaleShape: readonly number[];
  readonly geometry: readonly [outer: number, channels: number, inner: number];
}

const LAYOUTS: readonly Layout[] = [
  { shape: [4, 3, 5, 5], params: {}, scaleShape: [3], geometry: [4, 3, 25] },
  { shape: [4, 3], params: {}, scaleShape: [3], geometry: [4, 3, 1] },
  { shape: [2, 3, 4, 5], params: { axis: -1 }, scaleShape: [5], geometry: [24, 5, 1] },
  { shape: [2, 3, 4, 5], params: { axis: -3 }, scaleShape: [3], geometry: [2, 3, 20] },
  { shape: [2, 3, 4, 5], params: { axis: 1, numAxes: 2 }, scaleShape: [3, 4], geometry: [2, 12, 5] },
  { shape: [2, 3, 4, 5], params: { axis: 2, numAxes: -1 }, scaleShape: [4, 5], geometry: [6, 20, 1] },
  { shape: [2, 3, 4], params: { axis: 0, numAxes: -1 }, scaleShape: [2, 3, 4], geometry: [1, 24, 1] },
  { shape: [2, 3, 4], params: { axis: 0 }, scaleShape: [2], geometry: [1, 2, 12] },
  { shape: [2, 3, 4], params: { numAxes: 0 }, scaleShape: [], geometry: [1, 1, 24] },
  { shape: [6], params: { axis: 0 }, scaleShape: [6], geometry: [1, 6, 1] },
  { shape: [1, 5, 7], params: {}, scaleShape: [5], geometry: [1, 5, 7] },
  { shape: [1, 300, 1, 1], params: {}, scaleShape: [300], geometry: [1, 300, 1] },
];

/** With two bottoms, `scaleShape` is the shape of bottom[1], and numAxes is ignored. */
const TWO_BOTTOMS: readonly Layout[] = [
  { shape: [4, 3, 5, 5], params: { numAxes: -1 }, scaleShape: [3], geometry: [4, 3, 25] },
  { shape: [2, 3, 4, 5], params: { numAxes: 0 }, scaleShape: [3, 4], geometry: [2, 12, 5] },
  { shape: [2, 3, 4, 5], params: { axis: -1 }, scaleShape: [5], geometry: [24, 5, 1] },
  { shape: [2, 3, 4], params: { axis: 0 }, scaleShape: [2, 3, 4], geometry: [1, 24, 1] },
  { shape: [2, 3, 4], params: { axis: 1 }, scaleShape: [], geometry: [1, 1, 24] },
  { shape: [2, 3], params: { axis: 9 }, scaleShape: [], geometry: [1, 1, 6] },
];

/** S-1 to S-7 against the oracle: a learnt scale or two bottoms, with and without bias, in place, and accumulating. */
export function scaleCases(): Case[] {
  const both = [false, true];
  return DTYPES.flatMap((dtype) =>
    both.flatMap((biasTerm) =>
      both.flatMap((two) =>
        (two ? TWO_BOTTOMS : LAYOUTS).flatMap((layout) =>
          both.map((inPlace) => scaleCase(layout, biasTerm, inPlace, two, dtype)),
        ),
      ),
    ),
  );
}

function scaleCase(layout: Layout, biasTerm: boolean, inPlace: boolean, two: boolean, dtype: Dtype): Case {
  const { shape, params, scaleShape } = layout;
  const { axis = 1, numAxes = 1 } = params;
  const id = [
    two ? "scale/two-bottoms" : "scale/learnt",
    `${shape.join("x")}@${axis}+${two ? `(${scaleShape.join("x")})` : numAxes}`,
    ...(biasTerm ? ["bias"] : []),
    ...(inPlace ? ["in-place"] : []),
    dtype,
  ].join("/");
  return scopedCase({ id, group: "layers", clause: two ? "S-5" : "S-2", dtype }, async (t) => {
    const { p } = t;
    const [outer, channels, inner] = layout.geometry;
    const g: Geometry = { outer, channels, inner };
    const row = perChannel(channels);
    const count = outer * channels * inner;
    const [x, dy] = [normals(`${id}|x`, count, dtype), normals(`${id}|dy`, count, dtype)];
    const gamma = factors(`${id}|gamma`, channels, dtype);
    const beta = normals(`${id}|beta`, channels, dtype);
    const affine: GammaBeta = { gamma: channelsOf(gamma), beta: biasTerm ? channelsOf(beta) : null };

    const layer = t.own(createScale({ ...params, biasTerm }));
    const bottom = t.filled(shape, x);
    const factor = two ? t.filled(scaleShape, gamma) : null;
    const bottoms = factor ? [bottom, factor] : [bottom];
    const top = inPlace ? bottom : t.blob();
    layer.setUp(bottoms, [top]);
    if (layer.blobs.length !== (two ? 0 : 1) + (biasTerm ? 1 : 0)) {
      throw new Error(`${layer.blobs.length} blobs: S-4 and S-5 say otherwise`);
    }
    const scaleBlob = factor ?? blobOf(layer, 0);
    const biasBlob = biasTerm ? blobOf(layer, layer.blobs.length - 1) : null;
    if (`${scaleBlob.shape}` !== `${scaleShape}`) throw new Error(`the scale has shape [${scaleBlob.shape}]`);
    scaleBlob.write(gamma);
    biasBlob?.write(beta);

    layer.forward(bottoms, [top]);
    const done = [check("top", await top.read(), truth(p, scale(x, g, affine), scaleBound(p, x, g, affine)), g)];

    // Runs twice, and fills bottom[1].diff in between (S-7).
    factor?.writeDiff(factors(`${id}|dirty`, channels, dtype));
    const down = bottoms.map(() => true);
    const linear: GammaBeta = { gamma: affine.gamma, beta: null };
    const dx = truth(p, scale(dy, g, linear), scaleBound(p, dy, g, linear));
    const sums = scaleSums(dy, x, g);
    const compared = async (what: string, blob: Blob, of: HostArray | null, sum: Channels, times: number) => {
      const total = Float64Array.from(sum, ({ hi }) => hi * times);
      const bound = sumBound(p, dy, of, g, sum, total).map((b) => b * times);
      done.push(check(what, await blob.readDiff(), truth(p, total, bound), row));
    };
    for (const times of [1, 2]) {
      top.writeDiff(dy); // in place, backward has overwritten it
      layer.backward([top], down, bottoms);
      done.push(check(`bottom[0].diff, backward ${times}`, await bottom.readDiff(), dx, g));
      const name = two ? "bottom[1].diff" : "blobs[0].diff";
      await compared(`${name}, backward ${times}`, scaleBlob, x, sums.gamma, two ? 1 : times);
      if (biasBlob) await compared(`bias.diff, backward ${times}`, biasBlob, null, sums.beta, times);
    }
    layer.clearParamDiffs();
    for (const blob of layer.blobs) {
      const zero = { expected: new Float64Array(channels), bound: new Float64Array(channels) };
      done.push(check("diff after clearParamDiffs", await blob.readDiff(), zero, row));
    }
    return done;
  });
}
