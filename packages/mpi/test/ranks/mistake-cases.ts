import { type Backend, createBatchNorm, createBatchNormScale, createBlob } from "@bn/core";
import { expectEqual, type RankCase } from "./case.ts";
import { expectSameEverywhere } from "./layer-cases.ts";

/**
 * Mistakes that other libraries have made, each on data that reveals it. All numbers are small, so that the right
 * result is exact in float32 and is compared bit for bit. With a single rank these mistakes cannot occur.
 */
export function mistakeCases(backend: Backend): readonly RankCase[] {
  const column = (values: readonly number[]) => {
    const blob = createBlob(backend, [values.length, 1]);
    blob.write(values);
    return blob;
  };
  return [
    {
      name: "batches of unequal size count by their size (Paddle#32464, pytorch#22192)",
      async run(communicator) {
        const { rank, size } = communicator;
        if (size === 1) return;
        // Rank 0 has six zeros, rank 1 has two eights, and the others have nothing: the mean is 2, not 4.
        const x = column(
          [
            [0, 0, 0, 0, 0, 0],
            [8, 8],
          ][rank] ?? [],
        );
        const y = createBlob(backend);
        const layer = createBatchNorm({ name: "unequal", communicator });
        layer.setUp([x], [y]);
        layer.forward([x], [y]);
        expectEqual([...(await layer.mean())], [2], "mean");
        // 6 * 2^2 + 2 * 6^2 = 96, over 8 values; the stored variance is multiplied by 8 / 7.
        expectEqual([...(await layer.variance())], [Math.fround((12 * 8) / 7)], "variance");
      },
    },
    {
      name: "the variance of all is not the mean of the ranks' variances (pycls#93)",
      async run(communicator) {
        const { rank, size } = communicator;
        if (size < 4) return;
        const x = column(rank < 4 ? [rank % 2 === 0 ? 3 : -3] : []); // the variance within each rank is 0
        const y = createBlob(backend);
        const layer = createBatchNorm({ name: "variances", communicator, eps: 0, updateStats: false });
        layer.setUp([x], [y]);
        layer.forward([x], [y]);
        expectEqual([...(await y.read())], rank < 4 ? [rank % 2 === 0 ? 1 : -1] : [], "top: variance 9");
      },
    },
    {
      name: "one value per rank is a batch of as many values (apex#262)",
      async run(communicator) {
        const { rank, size } = communicator;
        const x = column([rank]);
        const y = createBlob(backend);
        const layer = createBatchNorm({ name: "one", communicator, eps: 0 });
        layer.setUp([x], [y]);
        layer.forward([x], [y]);
        if (size > 1) expectEqual(Number.isFinite((await y.read())[0]), true, "top is a number");
        // The unbiased variance of 0 .. size - 1 is size (size + 1) / 12. A single value has variance 0 (BN-8).
        const expected = size === 1 ? 0 : (size * (size + 1)) / 12;
        const [got] = await layer.variance();
        expectEqual(
          Math.abs(Number(got) - expected) <= 2 ** -20 * expected,
          true,
          `variance ${got}, expected ${expected}`,
        );
      },
    },
    {
      name: "the backward is synchronised too (Paddle#36382)",
      async run(communicator) {
        const { rank, size } = communicator;
        if (size === 1) return;
        // x is -1 and 1 on the first two ranks; dy is 1 on rank 0 alone: dx = dy - mean dy - x^ mean(dy x^).
        const x = column([rank % 2 === 0 ? -1 : 1].slice(0, rank < 2 ? 1 : 0));
        const y = createBlob(backend);
        const layer = createBatchNorm({ name: "backward", communicator, eps: 0 });
        layer.setUp([x], [y]);
        layer.forward([x], [y]);
        y.writeDiff(rank === 0 ? [1] : new Float32Array(y.count()));
        layer.backward([y], [true], [x]);
        expectEqual([...(await x.readDiff())], rank < 2 ? [0] : [], "bottom.diff: 1 - 1/2 - 1/2, and 0 - 1/2 + 1/2");
      },
    },
    {
      name: "an empty rank takes part, and learns the statistics (Paddle#74944)",
      async run(communicator) {
        const { rank, size } = communicator;
        if (size === 1) return;
        const x = createBlob(backend, [rank === 0 ? 0 : 2, 1]);
        x.write(rank === 0 ? [] : [-1, 1]);
        const y = createBlob(backend);
        const layer = createBatchNormScale({ name: "empty", communicator, eps: 0 });
        layer.setUp([x], [y]);
        for (let step = 0; step < 2; step++) {
          layer.forward([x], [y]);
          y.writeDiff(rank === 0 ? [] : [1, 1]);
          layer.backward([y], [true], [x]);
        }
        expectEqual(y.shape, x.shape);
        const n = 2 * (size - 1);
        expectEqual(Math.abs((await layer.variance())[0]! - n / (n - 1)) < 1e-6, true, "variance on the empty rank");
        const stored = await Promise.all(layer.blobs.slice(0, 3).map((blob) => blob.read()));
        expectSameEverywhere(communicator, "empty", stored);
      },
    },
    {
      name: "gradients of gamma are reduced once: by the layer or by the training, not by both (nnabla#1120)",
      async run(communicator) {
        const { rank, size, allGather } = communicator;
        for (const globalGradients of [false, true]) {
          const x = column(rank % 2 === 0 ? [1, -1, 1, -1] : [-1, 1, -1, 1]);
          const y = createBlob(backend);
          const layer = createBatchNormScale({ name: "gamma", communicator, eps: 0, biasTerm: true, globalGradients });
          layer.setUp([x], [y]);
          layer.forward([x], [y]);
          y.writeDiff([rank + 1, 0, 0, 0]);
          layer.backward([y], [true], [x]);
          const own = (rank % 2 === 0 ? 1 : -1) * (rank + 1); // dy x^
          const gathered = allGather("own gradients", new Float64Array([own, rank + 1]));
          const total = [0, 1].map((part) =>
            gathered.filter((_, i) => i % 2 === part).reduce((sum, one) => sum + one, 0),
          );
          const [gamma, beta] = [await layer.gamma!.readDiff(), await layer.beta!.readDiff()];
          expectEqual(
            [gamma[0], beta[0]],
            globalGradients ? total : [own, rank + 1],
            `global ${globalGradients}, of ${size}`,
          );
        }
      },
    },
    {
      name: "counts are exact, however large the batch (pytorch#70901)",
      async run(communicator) {
        const { rank, size } = communicator;
        // 70,000 values on rank 0, which is beyond float16's range, and one on each other rank: 2,049 and 70,001 are
        // not half-precision numbers.
        const rows = rank === 0 ? 70_000 : 1;
        const x = createBlob(backend, [rows, 1]);
        x.write(new Float32Array(rows).fill(rank === 0 ? 0 : 70_000 + size - 1));
        const y = createBlob(backend);
        const layer = createBatchNorm({ name: "counts", communicator });
        layer.setUp([x], [y]);
        layer.forward([x], [y]);
        expectEqual([...(await layer.mean())], [size - 1], "mean");
      },
    },
    {
      name: "channels-last is merged by channel, and mixes with NCHW (apex#1768)",
      async run(communicator) {
        const { rank, size } = communicator;
        const last = rank % 2 === 1;
        const x = createBlob(backend, last ? [1, 2, 1, 2] : [1, 2, 2, 1]);
        x.write(last ? [4, 30, 6, 50] : [4, 6, 30, 50]); // channel 0 has 4 and 6, channel 1 has 30 and 50
        const y = createBlob(backend);
        const layer = createBatchNorm({ name: "layouts", communicator, axis: last ? -1 : 1, eps: 0 });
        layer.setUp([x], [y]);
        layer.forward([x], [y]);
        expectEqual([...(await layer.mean())], [5, 40], `mean of ${size}`);
        expectEqual([...(await y.read())], last ? [-1, -1, 1, 1] : [-1, 1, -1, 1], "top");
      },
    },
    {
      name: "all ranks end with the same statistics after many steps (detectron2#5398)",
      async run(communicator) {
        const { rank } = communicator;
        const y = createBlob(backend);
        const x = createBlob(backend, [3, 2]);
        const layer = createBatchNorm({ name: "many", communicator, movingAverageFraction: 0.9 });
        layer.setUp([x], [y]);
        for (let step = 0; step < 20; step++) {
          x.write(Float32Array.from({ length: 6 }, (_, i) => 1e3 + Math.sin(1 + rank * 31 + step * 7 + i)));
          layer.forward([x], [y]);
        }
        const stored = await Promise.all(layer.blobs.map((blob) => blob.read()));
        expectSameEverywhere(communicator, "many", stored);
      },
    },
    {
      name: "NaN and infinities of one rank poison their channel, on all ranks, and no other (BN-12)",
      async run(communicator) {
        const { rank, size } = communicator;
        const x = createBlob(backend, [2, 3]);
        const bad = rank === size - 1;
        x.write([bad ? Number.NaN : 1, bad ? Number.POSITIVE_INFINITY : 1, 1, -1, -1, -1]);
        const y = createBlob(backend);
        const layer = createBatchNorm({ name: "poison", communicator, eps: 0 });
        layer.setUp([x], [y]);
        layer.forward([x], [y]);
        layer.forward([x], [y]); // stored NaNs are equal on all ranks
        const mean = await layer.mean();
        expectEqual([String(mean[0]), String(mean[1]), mean[2]], ["NaN", "Infinity", 0]);
        const top = await y.read();
        expectEqual([Number.isNaN(top[0]), Number.isNaN(top[3]), top[2], top[5]], [true, true, 1, -1]);
      },
    },
  ];
}
