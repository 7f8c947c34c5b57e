import {
  type Backend,
  type BatchNormLayer,
  type Communicator,
  createBatchNorm,
  createBatchNormScale,
  createBlob,
  type Dtype,
} from "@bn/core";
import { expectEqual, type RankCase } from "./case.ts";
import { concatenated, fromRows, LAYOUTS, type Layout, partOf, SPLITS, type Split, toRows } from "./problem.ts";
import { checkBottomDiff, checkGradients, checkStored, checkTop, type Whole, wholeOf } from "./truth.ts";

const CHANNELS = 5;
const EPS = Math.fround(1e-5);
const FRACTION = Math.fround(0.9);
/** Two steps, so that the second uses stored statistics. With many ranks on few cores one step has to do. */
const stepsOf = (size: number) => (size > 4 ? 1 : 2);

/** The layer and how it is used. The rows alternate over the matrix. */
interface Use {
  readonly name: string;
  readonly scaled: boolean;
  readonly inPlace: boolean;
  readonly global: boolean;
  /** Whether every second rank wants dx. The gradients of the other ranks need its sums either way. */
  readonly down: boolean;
  readonly offset: number;
}

const USES: readonly Use[] = [
  { name: "BatchNormScale", scaled: true, inPlace: false, global: false, down: true, offset: 0 },
  { name: "BatchNorm in place, mean/std 1e6", scaled: false, inPlace: true, global: false, down: true, offset: 1e6 },
  {
    name: "BatchNormScale in place, global gradients",
    scaled: true,
    inPlace: true,
    global: true,
    down: true,
    offset: 1e3,
  },
  {
    name: "BatchNorm, odd ranks propagate nothing",
    scaled: false,
    inPlace: false,
    global: false,
    down: false,
    offset: 10,
  },
];

/**
 * Compares forward, backward and stored statistics of every rank with the oracle on the concatenated batch (R-1 to
 *
 */
export function layerCases(backends: readonly Backend[]): readonly RankCase[] {
  let turn = 0;
  return backends.flatMap((backend) =>
    backend.supports.dtypes.flatMap((dtype) =>
      LAYOUTS.flatMap((layout) =>
        SPLITS.map((split): RankCase => {
          const use = USES[turn++ % USES.length] as Use;
          const name = `${split.name}, ${layout.name}, ${dtype}, ${backend.name}: ${use.name}`;
          return { name, run: (communicator) => runCase(communicator, backend, dtype, layout, split, use, name) };
        }),
      ),
    ),
  );
}

async function runCase(
  communicator: Communicator,
  backend: Backend,
  dtype: Dtype,
  layout: Layout,
  split: Split,
  use: Use,
  id: string,
): Promise<void> {
  const { rank, size } = communicator;
  const { scaled, inPlace, global } = use;
  const { side } = split;
  const batch = split.batchOf(rank, size);
  const shape = layout.shapeOf(batch, CHANNELS, side);
  const g = layout.geometryOf(batch, CHANNELS, side);
  const x = createBlob(backend, shape, dtype);
  const y = inPlace ? x : createBlob(backend, [], dtype);
  const common = { name: "bn", eps: EPS, movingAverageFraction: FRACTION, axis: layout.axis, communicator };
  const layer = scaled
    ? createBatchNormScale({ ...common, biasTerm: true, globalGradients: global })
    : createBatchNorm(common);
  layer.setUp([x], [y]);
  const affine = scaled ? await affineOf(layer, dtype) : null;
  const down = use.down || rank % 2 === 0;
  const steps: Whole[] = [];
  for (let step = 0; step < stepsOf(size); step++) {
    const parts = Array.from({ length: size }, (_, of) => {
      const rows = split.batchOf(of, size) * side * side;
      return partOf(`${id}|${step}`, of, rows, CHANNELS, dtype, use.offset);
    });
    const part = parts[rank]!;
    const all = concatenated(parts);
    const whole = wholeOf(all, size, CHANNELS, EPS, dtype, backend);
    steps.push(whole);
    x.write(fromRows(part.x, g));
    layer.forward([x], [y]);
    checkTop(whole, part, EPS, affine, toRows(await y.read(), g));
    for (const times of [1, 2]) {
      y.writeDiff(fromRows(part.dy, g));
      if (times === 1) layer.clearParamDiffs();
      layer.backward([y], [down], [x]);
      const dx = toRows(await x.readDiff(), g);
      if (down) checkBottomDiff(whole, part, EPS, affine, dx);
      else
        expectEqual(
          dx.every((value) => value === 0),
          true,
          "a diff that was not asked for is untouched",
        );
      if (!scaled) continue;
      const diffs = { gamma: await layer.gamma!.readDiff(), beta: await layer.beta!.readDiff() };
      checkGradients(whole, global ? all : part, EPS, times, diffs);
      if (global) expectSameEverywhere(communicator, `${id}, gradients`, [diffs.gamma, diffs.beta]);
    }
    const [mean, variance, factor] = await Promise.all(layer.blobs.slice(0, 3).map((blob) => blob.read()));
    checkStored(steps, FRACTION, { mean: mean!, variance: variance!, factor: factor! });
    expectSameEverywhere(communicator, id, [mean!, variance!, factor!]);
  }
  for (const resource of [layer, x, y]) resource.dispose();
}

async function affineOf(layer: BatchNormLayer, dtype: Dtype) {
  const round = dtype === "float32" ? Math.fround : Number;
  const gamma = Float64Array.from({ length: CHANNELS }, (_, c) => round(0.5 + 0.3 * c));
  const beta = Float64Array.from({ length: CHANNELS }, (_, c) => round(c - 1.7));
  layer.gamma!.write(gamma);
  layer.beta!.write(beta);
  return { gamma, beta };
}

/** Checks that all ranks have the same numbers, bit for bit. */
export function expectSameEverywhere(
  { size, allGather }: Communicator,
  id: string,
  tensors: readonly ArrayLike<number>[],
): void {
  const mine = Float64Array.from(tensors.flatMap((tensor) => Array.from(tensor)));
  const all = allGather(`${id}: the same everywhere`, mine);
  for (let of = 0; of < size; of++) {
    for (let i = 0; i < mine.length; i++) {
      const other = all[of * mine.length + i];
      if (!Object.is(other, mine[i])) throw new Error(`number ${i} is ${mine[i]} here and ${other} on rank ${of}`);
    }
  }
}
