import { bounds, compare, type GoldenCase, type GoldenLayer, type GoldenStep, oracle } from "@bn/conformance";
import { loadGoldens } from "@bn/conformance/node";
import { type Blob, createBatchNorm, createBlob, createScale, type HostArray, type Layer } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { expect, test } from "vitest";
import {
  buildModel,
  type LayerRecord,
  momentumAt,
  type NormRecord,
  quotients,
  readBatchNorm,
  readScale,
} from "../src/index.ts";
import { runModel } from "../src/verify/index.ts";
import { foldedBound, runningBound, runtimeMomentBounds, runtimePrecision } from "../src/verify/runtime-bounds.ts";

/**
 * Caffe's own cases. Our layers go through their steps. At each forward they are exported in their current state, and
 * onnxruntime-node runs the same input. Every top is compared and, in training, the running statistics, under N-4 and
 * O-1 to O-3.
 */
type GoldenForward = Extract<GoldenStep, { op: "forward" }>;
interface Placed {
  readonly golden: GoldenLayer;
  readonly layer: Layer;
  readonly bottom: readonly Blob[];
  readonly top: Blob;
}

const goldens = await loadGoldens();
const cases = goldens.cases.filter(({ steps }) => steps.some(({ op }) => op === "forward"));
/** A number that identifies a bottom and its layers' state, to count what was compared. */
let compared = 0;

test.each(cases.map((one) => [one.name, one] as const))("%s", async (_, one) => {
  const before = compared;
  await using cpu = await createCpu();
  let placed: Placed[] = [];
  for (const step of one.steps) {
    if (step.op !== "forward") continue;
    if (placed.length === 0) placed = place(cpu, one, step);
    await compareForward(one, placed, step);
  }
  expect(compared).toBeGreaterThan(before);
});

test("all of them were compared, value by value", () => {
  expect(cases.length).toBe(goldens.cases.length);
  expect(compared).toBeGreaterThan(cases.length * 20);
});

function place(cpu: Parameters<typeof createBlob>[0], { layers, dtype }: GoldenCase, { inputs }: GoldenForward) {
  let bottom = inputs.map(({ shape }) => createBlob(cpu, shape, dtype));
  return layers.map((golden) => {
    const layer = golden.type === "BatchNorm" ? createBatchNorm(golden.params) : createScale(golden.params);
    const top = createBlob(cpu, [0], dtype);
    layer.setUp(bottom, [top]);
    if (!golden.defaultBlobs)
      for (const [i, blob] of layer.blobs.entries()) blob.write(golden.initialBlobs[i]?.data ?? []);
    const here = { golden, layer, bottom, top };
    bottom = [top];
    return here;
  });
}

async function compareForward({ dtype, name }: GoldenCase, placed: readonly Placed[], step: GoldenForward) {
  const [norm, scale] = [placed.find(isNorm), placed.find((one) => !isNorm(one))];
  const training = norm?.golden.type === "BatchNorm" && !norm.golden.effective.useGlobalStats;
  const { eps = 0, fraction = 0 } = norm?.golden.type === "BatchNorm" ? norm.golden.effective : {};
  const factor = norm ? ((await norm.layer.blobs[2]?.read())?.[0] ?? 0) : 0;
  const momentum = momentumAt(fraction, factor);
  const exported: LayerRecord[] = [];
  for (const { golden, layer, bottom } of placed) {
    if (golden.type === "BatchNorm") {
      exported.push(await readBatchNorm(layer.blobs, { eps, movingAverageFraction: fraction }));
    } else {
      const { axis } = golden.effective;
      const second = bottom[1];
      exported.push(await readScale(layer.blobs, second ? { axis, twoBottoms: second } : { axis }));
    }
  }
  const [x, second] = step.inputs;
  if (!x) throw new Error(`${name}: no input`);
  const feeds: Record<string, { type: string; shape: readonly number[]; data: HostArray }> = {
    X: { type: dtype, shape: x.shape, data: x.data },
  };
  if (second) feeds.S = { type: dtype, shape: second.shape, data: second.data };
  const outputs = await runModel(
    buildModel(exported, { shape: x.shape, training, ...(training ? { momentum } : {}) }),
    feeds,
  );
  const y = outputs.get("Y")?.data as HostArray;

  for (const [i, { data, shape }] of step.inputs.entries()) {
    placed[0]?.bottom[i]?.reshape(shape);
    placed[0]?.bottom[i]?.write(data);
  }
  for (const { layer, bottom, top } of placed) layer.forward(bottom, [top]);
  const top = await (placed.at(-1) as Placed).top.read();
  compared += top.length;

  const supports =
    (norm ?? scale)?.layer.blobs[0]?.backend.supports ?? (placed[0] as Placed).bottom[0]?.backend.supports;
  const p = bounds.precisionOf(dtype, supports as NonNullable<typeof supports>);
  const theirP = runtimePrecision(dtype);
  const [g] = step.geometries;
  if (!g) throw new Error(`${name}: no geometry`);

  if (!norm) {
    const affine = await affineOf(scale as Placed, second?.data);
    const bound = bounds.scaleBound(p, x.data, g, affine).map((value) => 2 * value);
    expect(compare("top", top, y, bound, g).ratio, name).toBeLessThanOrEqual(1);
    return;
  }
  const node = quotients(exported[0] as NormRecord);
  const stats = training
    ? oracle.moments(x.data, g)
    : { mean: oracle.channelsOf(node.mean), variance: oracle.channelsOf(node.variance) };
  const ours = training
    ? bounds.momentBounds(p, x.data, g, stats)
    : { mean: bounds.globalBound(p, stats.mean), variance: bounds.globalBound(p, stats.variance) };
  const theirs = training ? runtimeMomentBounds(theirP, x.data, g, stats) : null;
  const affine = scale ? await affineOf(scale, undefined) : null;
  const one = !scale || merged(exported);
  const inNode = one ? affine : null;
  const own = bounds.normalizeBound(p, x.data, g, stats, eps, inNode, ours);
  const folded = foldedBound(theirP, x.data, g, stats, eps, inNode, theirs);
  let total = own.map((value, i) => value + (folded[i] as number));
  const xhat = oracle.normalize(x.data, g, stats, eps, null);
  const wide = step.geometries[1];
  if (affine && wide) {
    // Our layer also rounds after the product. If there are two nodes, so does ONNX Runtime, and both errors are
    // scaled.
    const rounds = bounds.scaleBound(p, xhat, wide, affine);
    const gammas = Float64Array.from(xhat);
    oracle.each(wide, (i, c) => {
      gammas[i] = Math.abs(affine.gamma[c]?.hi ?? 0);
    });
    total = total.map(
      (value, i) => (one ? value : value * (gammas[i] as number)) + (one ? 1 : 2) * (rounds[i] as number),
    );
  }
  expectAgree(name, top, y, total, g);

  if (training) {
    const { blobs } = norm.layer;
    const m = g.outer * g.inner;
    const [weight = 0] = Array.from((await blobs[2]?.read()) ?? []);
    for (const [i, part, output, correction] of [
      [0, "mean", "running_mean", 1],
      [1, "variance", "running_var", m > 1 ? m / (m - 1) : 1],
    ] as const) {
      const old = node[part];
      const sums = (await blobs[i]?.read()) as HostArray;
      const value = Float64Array.from(sums, (sum, c) => {
        const kept = momentum * (old[c] as number);
        return (sum / weight - kept) / correction + kept;
      });
      const batch = oracle.valuesOf(stats[part]);
      const errors = theirs as bounds.StatErrors;
      const allowed = runningBound(p, { p: momentum, old, batch, theirs: errors[part], ours: ours[part] });
      const stored = Math.abs(Math.fround(momentum) - momentum);
      const apart = allowed.map((own, c) => own + stored * (Math.abs(old[c] as number) + Math.abs(batch[c] as number)));
      const name1 = exported.length > 1 && !merged(exported) ? `0.${output}` : output;
      const got = outputs.get(name1)?.data as HostArray;
      compared += got.length;
      expectAgree(`${name} ${output}`, value, got, apart, { outer: 1, channels: g.channels, inner: 1 });
    }
  }
}

const isNorm = ({ golden }: Placed) => golden.type === "BatchNorm";
const merged = (layers: readonly LayerRecord[]) => {
  const [norm, scale] = layers;
  return norm && scale && norm.type !== "Scale" && scale.type === "Scale" && scale.parameterShape.length === 1;
};

async function affineOf({ layer, golden }: Placed, second: HostArray | undefined) {
  const blobs = await Promise.all(layer.blobs.map((blob) => blob.read()));
  const biasTerm = golden.type === "Scale" && golden.effective.biasTerm;
  const gamma = second ?? (blobs[0] as HostArray);
  return { gamma: oracle.channelsOf(gamma), beta: biasTerm ? oracle.channelsOf(blobs.at(-1) as HostArray) : null };
}

function expectAgree(
  what: string,
  got: HostArray,
  theirs: HostArray,
  bound: Float64Array,
  g: Parameters<typeof compare>[4],
) {
  const found = compare(what, got, theirs, bound, g);
  expect(found.ratio, JSON.stringify(found)).toBeLessThanOrEqual(1);
}
