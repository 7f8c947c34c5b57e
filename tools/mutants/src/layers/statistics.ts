import type { Blob } from "@bn/core";
import { ALL, type BehaviourFault, copies, learnt, NORMALIZING, SCALING, statistics, swap } from "./fault.ts";
import type { LayerType } from "./mutant.ts";
import { around, type Layer, viewOf } from "./tools.ts";

/** Changed statistics after a forward; `old` are those before it. */
const stepped = (
  name: string,
  change: (now: readonly (Float32Array | Float64Array)[], old: readonly ArrayLike<number>[], turn: number) => void,
): BehaviourFault => ({
  name: `moving average: ${name}`,
  types: NORMALIZING,
  parts: (layer) =>
    around(
      layer,
      "forward",
      () => copies(statistics(layer), "data"),
      (_, old, turn) =>
        change(
          statistics(layer).map((blob) => viewOf(blob, "data")),
          old,
          turn,
        ),
    ),
});

function restore(now: readonly (Float32Array | Float64Array)[], old: readonly ArrayLike<number>[]): void {
  for (const [i, view] of now.entries()) view.set(old[i] as ArrayLike<number>);
}

const clearedByReshape = (
  what: string,
  types: readonly LayerType[],
  blobsOf: (layer: Layer) => readonly Blob[],
): BehaviourFault => ({
  name: `reshape: clears ${what}`,
  types,
  parts: (layer) => {
    let shape = "";
    return {
      forward(bottom, top) {
        const now = `${bottom[0]?.shape}`;
        if (shape !== "" && shape !== now) for (const blob of blobsOf(layer)) viewOf(blob, "data").fill(0);
        shape = now;
        layer.forward(bottom, top);
      },
    };
  },
});

/** Mistakes in how forward and setUp change the state of a layer. */
export const STATE_FAULTS: readonly BehaviourFault[] = [
  stepped("not at all", restore),
  stepped("the first time only", (now, old, turn) => {
    if (turn > 0) restore(now, old);
  }),
  stepped("mean and variance swapped", ([mean, variance], [oldMean, oldVariance]) => {
    const changed =
      mean?.some((value, i) => value !== oldMean?.[i]) || variance?.some((value, i) => value !== oldVariance?.[i]);
    if (!changed || !mean || !variance) return;
    swap(mean, variance);
  }),
  stepped("the factor counts steps", ([, , factor], [, , old]) => {
    if (factor && factor[0] !== old?.[0]) factor[0] = (old?.[0] ?? 0) + 1;
  }),
  stepped("the factor never above 1", ([, , factor]) => {
    if (factor) factor[0] = Math.min(factor[0] as number, 1);
  }),
  stepped("the mean's sign lost", ([mean]) => mean?.set(mean.map(Math.abs))),
  stepped("the variance biased", ([, variance], [, old], _) => {
    variance?.forEach((value, i) => {
      const before = old?.[i] as number;
      if (value !== before) variance[i] = before + (value - before) * 0.98;
    });
  }),
  {
    name: "moving average: twice per forward",
    types: NORMALIZING,
    parts: (layer) => ({
      forward(bottom, top) {
        if (bottom[0] !== top[0]) layer.forward(bottom, top);
        layer.forward(bottom, top);
      },
    }),
  },
  {
    name: "moving average: in backward too",
    types: NORMALIZING,
    parts: (layer) => ({
      backward(...operands) {
        layer.backward(...operands);
        const factor = layer.blobs[2];
        if (factor) viewOf(factor, "data")[0] = 0.5 * (viewOf(factor, "data")[0] as number) + 1;
      },
    }),
  },
  {
    name: "setUp: starts with statistics of ones",
    types: NORMALIZING,
    parts: (layer) => ({
      setUp(bottom, top) {
        layer.setUp(bottom, top);
        for (const blob of layer.blobs.slice(1, 3)) viewOf(blob, "data").fill(1);
      },
    }),
  },
  {
    name: "setUp: leaves the diffs of blobs dirty",
    types: SCALING,
    parts: (layer) => ({
      setUp(bottom, top) {
        layer.setUp(bottom, top);
        for (const blob of learnt(layer)) viewOf(blob, "diff").fill(1);
      },
    }),
  },
  clearedByReshape("the statistics", NORMALIZING, statistics),
  clearedByReshape("gamma and beta", SCALING, learnt),
  {
    name: "forward: clears the diffs of blobs",
    types: SCALING,
    parts: (layer) => ({
      forward(bottom, top) {
        layer.forward(bottom, top);
        for (const blob of learnt(layer)) viewOf(blob, "diff").fill(0);
      },
    }),
  },
  {
    name: "forward: bottom changed where it is apart",
    types: ALL,
    parts: (layer) => ({
      forward(bottom, top) {
        layer.forward(bottom, top);
        if (bottom[0] && bottom[0] !== top[0] && bottom[0].count() > 0) viewOf(bottom[0], "data")[0] = 3;
      },
    }),
  },
];
