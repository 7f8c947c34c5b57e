import {
  type Backend,
  type BatchNormLayer,
  type BatchNormScaleParams,
  type Blob,
  type Communicator,
  createBatchNorm,
  createBatchNormScale,
  createBlob,
} from "@bn/core";
import { errorOf, expectEqual, type RankCase } from "./case.ts";

interface Bench {
  readonly layer: BatchNormLayer;
  readonly x: Blob;
  readonly y: Blob;
}

function benchOf(
  backend: Backend,
  communicator: Communicator,
  params: BatchNormScaleParams = {},
  shape = [4, 3],
): Bench {
  const layer = createBatchNormScale({ name: "bn", biasTerm: true, communicator, ...params });
  const [x, y] = [createBlob(backend, shape), createBlob(backend)];
  layer.setUp([x], [y]);
  fill(x, 1);
  return { layer, x, y };
}

function fill(x: Blob, seed: number): void {
  x.write(Float32Array.from({ length: x.count() }, (_, i) => Math.sin(seed + i * i)));
}

/** Everything that a call could have changed, as text. */
async function stateOf({ layer, x, y }: Bench): Promise<string> {
  const blobs = await Promise.all(layer.blobs.flatMap((blob) => [blob.read(), blob.readDiff()]));
  const tensors = [...blobs, await x.read(), await x.readDiff(), await y.read(), await y.readDiff()];
  return JSON.stringify([y.shape, tensors.map((values) => [...values])]);
}

/** How the last rank differs from the others. */
const ODD: Readonly<Record<string, { readonly params?: BatchNormScaleParams; readonly shape?: number[] }>> = {
  "another layer": { params: { name: "other" } },
  "another number of channels": { shape: [4, 5] },
  "another eps": { params: { eps: 1e-3 } },
  "another fraction": { params: { movingAverageFraction: 0.5 } },
  "updateStats false": { params: { updateStats: false } },
  "global gradients": { params: { globalGradients: true } },
};

/**
 * Ranks that are out of step at the layer: every rank gets an error, nothing changes, and the next call counts (R-6,
 * L-1).
 */
export function stepCases(backend: Backend): readonly RankCase[] {
  const odd = Object.entries(ODD).map(([name, { params, shape }]): RankCase => {
    return {
      name: `out of step: ${name}`,
      async run(communicator) {
        const { rank, size } = communicator;
        if (size === 1) return;
        const bench =
          rank === size - 1 ? benchOf(backend, communicator, params, shape) : benchOf(backend, communicator);
        const before = await stateOf(bench);
        const { code, message } = errorOf(() => bench.layer.forward([bench.x], [bench.y]));
        expectEqual(code, "ERR_BN_SYNC", message);
        expectEqual(await stateOf(bench), before, "the state after an error");
        dispose(bench);
      },
    };
  });
  return [
    ...odd,
    {
      name: "out of step: another dtype",
      run(communicator) {
        const { rank, size } = communicator;
        if (size === 1) return;
        const dtype = rank === 0 ? "float64" : "float32";
        const [x, y] = [createBlob(backend, [4, 3], dtype), createBlob(backend, [], dtype)];
        const layer = createBatchNorm({ communicator });
        layer.setUp([x], [y]);
        const { code, message } = errorOf(() => layer.forward([x], [y]));
        expectEqual(code, "ERR_BN_SYNC", message);
        expectEqual(/float64.*float32/.test(message), true, message);
      },
    },
    {
      name: "a rank that skips a step, or is at a backward: every rank throws, and the call can be repeated",
      async run(communicator) {
        const { rank, size } = communicator;
        if (size === 1) return;
        const bench = benchOf(backend, communicator);
        const { layer, x, y } = bench;
        layer.forward([x], [y]);
        fill(x, 2);
        layer.forward([x], [y]);
        y.writeDiff(new Float32Array(12).fill(1));
        const before = await stateOf(bench);
        // One rank is already at its backward while the others are at another forward.
        const { code } = errorOf(() => {
          if (rank === size - 1) layer.backward([y], [true], [x]);
          else layer.forward([x], [y]);
        });
        expectEqual(code, "ERR_BN_SYNC");
        expectEqual(await stateOf(bench), before, "the state after an error");
        layer.backward([y], [true], [x]); // continues the last forward that succeeded
        expectEqual((await layer.beta!.readDiff())[0], 4);
        layer.forward([x], [y]);
        const [factor] = await layer.blobs[2]!.read();
        expectEqual(factor, Math.fround(Math.fround(0.999) * Math.fround(Math.fround(0.999) + 1) + 1), "three steps");
        dispose(bench);
      },
    },
    {
      name: "a rank whose layer began again is at another step than the others",
      run(communicator) {
        const { rank, size } = communicator;
        if (size === 1) return;
        const bench = benchOf(backend, communicator, { updateStats: false });
        const forward = () => bench.layer.forward([bench.x], [bench.y]);
        forward();
        if (rank === size - 1) bench.layer.setUp([bench.x], [bench.y]);
        const { code, message } = errorOf(forward);
        expectEqual(code, "ERR_BN_SYNC");
        expectEqual(message.includes("forward 1") && message.includes("forward 0"), true, message);
        dispose(bench);
      },
    },
    {
      name: "an in-place layer whose forward failed still has the copy that its backward reads",
      async run(communicator) {
        const { rank, size } = communicator;
        if (size === 1) return;
        const layer = createBatchNorm({ name: "in place", communicator, eps: 0 });
        const x = createBlob(backend, [2, 1]);
        layer.setUp([x], [x]);
        x.write([rank, rank + 2]);
        layer.forward([x], [x]);
        x.writeDiff([1, 0]);
        layer.backward([x], [true], [x]);
        const right = [...(await x.readDiff())];
        x.write([7, 100]);
        const again = () =>
          rank === 0 ? communicator.allGather("elsewhere", new Float64Array(1)) : layer.forward([x], [x]);
        expectEqual(errorOf(again).code, "ERR_BN_SYNC");
        x.writeDiff([1, 0]);
        layer.backward([x], [true], [x]);
        expectEqual([...(await x.readDiff())], right);
      },
    },
    {
      name: "a forward that failed gives top no shape",
      run(communicator) {
        const { rank, size } = communicator;
        if (size === 1) return;
        const bench = benchOf(backend, communicator);
        bench.x.reshape([8, 3]);
        const { code } = errorOf(() => {
          if (rank === 0) communicator.allGather("elsewhere", new Float64Array(1));
          else bench.layer.forward([bench.x], [bench.y]);
        });
        expectEqual(code, "ERR_BN_SYNC");
        expectEqual(bench.y.shape, [4, 3]);
        dispose(bench);
      },
    },
    {
      name: "batches that are empty on all ranks are refused on all ranks",
      async run(communicator) {
        const bench = benchOf(backend, communicator);
        const before = await stateOf(bench);
        const empty = createBlob(backend, [0, 3]);
        const { code, message } = errorOf(() => bench.layer.forward([empty], [bench.y]));
        expectEqual(code, "ERR_BN_SHAPE", message);
        expectEqual(await stateOf(bench), before);
        bench.layer.forward([bench.x], [bench.y]);
        dispose(bench);
      },
    },
    {
      name: "stored statistics that differ between ranks are found before they drift (detectron2#5398)",
      async run(communicator) {
        const { rank, size } = communicator;
        if (size === 1) return;
        const bench = benchOf(backend, communicator);
        if (rank === 0) bench.layer.blobs[0]!.write([1, 2, 3]);
        const before = await stateOf(bench);
        const { code, message } = errorOf(() => bench.layer.forward([bench.x], [bench.y]));
        expectEqual(code, "ERR_BN_SYNC");
        expectEqual(message.includes("the stored statistics of rank 1 differ from those of rank 0"), true, message);
        expectEqual(await stateOf(bench), before);
        bench.layer.blobs[0]!.write([1, 2, 3]);
        bench.layer.forward([bench.x], [bench.y]);
        dispose(bench);
      },
    },
    {
      name: "layers without a name are told apart by their number",
      run(communicator) {
        const { rank, size } = communicator;
        if (size === 1) return;
        const [x, y] = [createBlob(backend, [4, 3]), createBlob(backend)];
        const layers = [createBatchNorm({ communicator }), createBatchNorm({ communicator })] as const;
        for (const layer of layers) layer.setUp([x], [y]);
        for (const layer of layers) layer.forward([x], [y]);
        const { code, message } = errorOf(() => layers[rank === 0 ? 0 : 1].forward([x], [y]));
        expectEqual(code, "ERR_BN_SYNC");
        expectEqual(/BatchNorm #\d+ .* BatchNorm #\d+/.test(message), true, message);
      },
    },
    {
      name: "stored statistics need no other rank: forward and backward of one rank alone",
      async run(communicator) {
        const bench = benchOf(backend, communicator, { phase: "test" });
        if (communicator.rank === 0) {
          bench.layer.forward([bench.x], [bench.y]);
          bench.y.writeDiff(new Float32Array(12).fill(1));
          bench.layer.backward([bench.y], [true], [bench.x]);
          expectEqual((await bench.layer.beta!.readDiff())[0], 4);
        }
        dispose(bench);
      },
    },
    {
      name: "stored statistics and global gradients: the backward is a call of all ranks, the empty ones too",
      async run(communicator) {
        const { rank, size } = communicator;
        const shape = rank === 0 ? [4, 3] : [0, 3];
        const bench = benchOf(backend, communicator, { phase: "test", globalGradients: true }, shape);
        bench.layer.forward([bench.x], [bench.y]);
        bench.y.writeDiff(new Float32Array(bench.y.count()).fill(1));
        bench.layer.backward([bench.y], [true], [bench.x]);
        expectEqual([...(await bench.layer.beta!.readDiff())], [4, 4, 4], `beta.diff on rank ${rank} of ${size}`);
        dispose(bench);
      },
    },
  ];
}

function dispose({ layer, x, y }: Bench): void {
  for (const resource of [layer, x, y]) resource.dispose();
}
