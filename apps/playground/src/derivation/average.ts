import { type Backend, type BatchNormLayer, createBatchNorm, createBlob } from "@bn/core";

/** The moving average after a step: decayed sums and their weight as stored, and the averages computed from them. */
export interface Step {
  readonly batchMean: number;
  readonly batchVariance: number;
  readonly sums: readonly [mean: number, variance: number, factor: number];
  readonly mean: number;
  readonly variance: number;
}

export interface Average {
  dispose(): void;
  step(x: readonly number[]): Promise<Step>;
}

/** A layer in float64 that adds one batch after another to its statistics. */
export function createAverage(backend: Backend, fraction: number): Average {
  const layer = createBatchNorm({ movingAverageFraction: fraction });
  const [bottom, top] = [createBlob(backend, [0, 1], "float64"), createBlob(backend, [0], "float64")];
  let ready = false;
  return {
    async step(x) {
      bottom.reshape([x.length, 1]);
      bottom.write(x);
      if (!ready) layer.setUp([bottom], [top]);
      ready = true;
      const before = await sumsOf(layer);
      layer.forward([bottom], [top]);
      const sums = await sumsOf(layer);
      const [mean = 0] = await layer.mean();
      const [variance = 0] = await layer.variance();
      // The batch's own statistics are what this step added to the sums: M' = f M + mean, V' = f V + m/(m-1) variance.
      const rounded = Math.fround(fraction);
      return {
        batchMean: sums[0] - rounded * before[0],
        batchVariance: sums[1] - rounded * before[1],
        sums,
        mean,
        variance,
      };
    },
    dispose() {
      for (const one of [layer, bottom, top]) one.dispose();
    },
  };
}

async function sumsOf(layer: BatchNormLayer): Promise<[number, number, number]> {
  const read = async (i: number) => (await layer.blobs[i]?.read())?.[0] ?? 0;
  return [await read(0), await read(1), await read(2)];
}
