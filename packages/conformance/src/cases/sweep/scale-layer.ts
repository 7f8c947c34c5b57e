import { type Blob, createScale, type ScaleParams } from "@bn/core";
import { exactly } from "../../truth/exact.ts";
import { scaleLine } from "../../truth/lines.ts";
import { compareLine } from "../../truth/maps.ts";
import { type CoveredKernel, compareAdded } from "./calls.ts";
import { blobsFor, cleared, runPasses, without, wordsOf } from "./layer-blobs.ts";
import { scaleSumOf } from "./sums.ts";

/** The axes of the scale: parameters, and the words of the option that shape the bottom. */
const AXES: readonly (readonly [word: string, params: ScaleParams])[] = [
  ["axis-2", { axis: -2 }],
  ["rank-4", { axis: 2 }],
  ["two-axes", { axis: 1, numAxes: 2 }],
];

/**
 * The option chooses whether there is a bias, whether the scale is learnt or a second bottom, its axes, and which diffs
 * are requested.
 */
export const scale: CoveredKernel = {
  name: "Scale",
  clause: "S-1",
  options: [
    "bias",
    "no-bias",
    "bias axis-2 no-down",
    "no-bias rank-4",
    "bias two-axes",
    "no-bias two-axes no-down",
    "bias two",
    "no-bias two no-down",
    "bias two no-down-1",
    "no-bias two no-down no-down-1",
  ],
  mayAlias: true,
  fixedChannels: true,
  without,
  async run(call) {
    const { p, g, data, option } = call;
    const has = wordsOf(option);
    const biasTerm = has("bias");
    const params = AXES.find(([word]) => has(word))?.[1] ?? {};
    const blobs = blobsFor(call, () => createScale({ ...params, biasTerm }));
    const { layer, factor, down } = blobs;
    const affine = { gamma: data.gamma(), beta: biasTerm ? data.beta() : null };
    const prior = { gamma: data.prior(0), beta: data.prior(1) };
    const [x, dy] = [data.x(), data.dy()];
    const gamma = factor ?? (layer.blobs[0] as Blob);
    const beta = biasTerm ? (layer.blobs[factor ? 0 : 1] as Blob) : null;
    gamma.write(affine.gamma);
    gamma.writeDiff(prior.gamma);
    if (affine.beta) beta?.write(affine.beta);
    beta?.writeDiff(prior.beta);
    const { y, dx, kept } = await runPasses(call, blobs, x, dy);
    const dGamma = await gamma.readDiff();
    const line = scaleLine(p, { gamma: affine.gamma, beta: null });
    const done = [
      compareLine("top", y, x, g, p.dtype, scaleLine(p, affine)),
      ...kept,
      ...(down[0] ? [compareLine("bottom.diff", dx, dy, g, p.dtype, line)] : []),
      factor && !down[1]
        ? exactly("bottom[1].diff without propagateDown", dGamma, prior.gamma)
        : compareAdded(
            p,
            factor ? "bottom[1].diff" : "blobs[0].diff",
            dGamma,
            factor ? prior.gamma.fill(0) : prior.gamma, // S-7: the diff is overwritten
            scaleSumOf(p, dy, x, g),
          ),
    ];
    if (beta) done.push(compareAdded(p, "bias.diff", await beta.readDiff(), prior.beta, scaleSumOf(p, dy, null, g)));
    const learnt = [...(factor ? [] : [affine.gamma]), ...(affine.beta ? [affine.beta] : [])];
    return [...done, ...(await cleared(layer, learnt))];
  },
};
