import { createBatchNormScale, createBlob } from "@bn/core";
import { createCommunicator } from "@bn/core/communicator";
import { createCpu } from "@bn/cpu";

const ROUNDS = 100;
const CHANNELS = 256;

/**
 * The cost of merging the numbers of `ranks` ranks once they have arrived, copying included, in nanoseconds per channel
 * and rank.
 */
export async function mergeCost(ranks: number): Promise<{ readonly forward: number; readonly backward: number }> {
  const cpu = await createCpu();
  const communicator = createCommunicator({
    rank: 0,
    size: ranks,
    exchange(values, all) {
      for (let rank = 0; rank < ranks; rank++) all.set(values, rank * values.length);
    },
  });
  const layerOf = (params: object) => {
    const [x, y] = [createBlob(cpu, [16, CHANNELS]), createBlob(cpu)];
    x.write(Float32Array.from({ length: x.count() }, (_, i) => Math.sin(i * i)));
    const layer = createBatchNormScale({ name: "measured", biasTerm: true, ...params });
    layer.setUp([x], [y]);
    layer.forward([x], [y]);
    y.writeDiff(new Float32Array(y.count()).fill(1));
    return { forward: () => layer.forward([x], [y]), backward: () => layer.backward([y], [true], [x]) };
  };
  const layers = [layerOf({}), layerOf({ communicator })] as const;
  const times = { forward: [[], []], backward: [[], []] } as Record<"forward" | "backward", [number[], number[]]>;
  for (let round = 0; round < ROUNDS; round++) {
    for (const pass of ["forward", "backward"] as const) {
      for (const i of [0, 1] as const) {
        const start = performance.now();
        layers[i][pass]();
        if (round >= ROUNDS / 4) times[pass][i].push(performance.now() - start);
      }
    }
  }
  const fastTenth = (list: readonly number[]) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 10)] ?? 0;
  const cost = ([alone, together]: readonly [number[], number[]]) =>
    (1e6 * (fastTenth(together) - fastTenth(alone))) / (ranks * CHANNELS);
  return { forward: cost(times.forward), backward: cost(times.backward) };
}
