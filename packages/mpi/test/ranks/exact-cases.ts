import { type Backend, type Communicator, createBatchNormScale, createBlob, type Dtype } from "@bn/core";
import { expectEqual, type RankCase } from "./case.ts";

const CHANNELS = 3;

/**
 * Values alternate between mean + a and mean - a over all ranks. Means, deviations and sums are numbers of few bits on
 * every rank that has a power of two of these values, so that no sum rounds (N-7). dy consists of whole numbers.
 */
function valueAt(row: number, c: number): number {
  return 16 * c + (row % 2 === 0 ? 1 : -1) * 2 ** c;
}
function gradientAt(row: number, c: number): number {
  return ((row * 7 + c * 3) % 11) - 5;
}

const COUNTS: Readonly<Record<string, (rank: number, size: number) => number>> = {
  "4 each": () => 4,
  "2, 4, 8, ... in turn": (rank) => 2 ** (1 + (rank % 3)),
  "64 and 2 each": (rank) => (rank === 0 ? 64 : 2),
  "none, or 8": (rank, size) => (rank % 2 === 0 && size > 1 ? 0 : 8),
  "one value on two ranks of three": (rank, size) => (size > 2 && rank < 2 ? 1 : 4),
};

/** All results of a layer's training, as one list of numbers. */
async function train(backend: Backend, dtype: Dtype, first: number, rows: number, communicator?: Communicator) {
  const x = createBlob(backend, [rows, CHANNELS], dtype);
  const y = createBlob(backend, [], dtype);
  const options = { name: "exact", eps: 0, biasTerm: true };
  const layer = createBatchNormScale(communicator ? { ...options, communicator, globalGradients: true } : options);
  layer.setUp([x], [y]);
  const fill = (of: (row: number, c: number) => number) =>
    Float64Array.from({ length: rows * CHANNELS }, (_, i) => of(first + Math.floor(i / CHANNELS), i % CHANNELS));
  x.write(fill(valueAt));
  layer.forward([x], [y]);
  y.writeDiff(fill(gradientAt));
  layer.backward([y], [true], [x]);
  const stored = await Promise.all(layer.blobs.slice(0, 3).map((blob) => blob.read()));
  const gradients = await Promise.all(layer.blobs.slice(3).map((blob) => blob.readDiff()));
  const result = { top: await y.read(), diff: await x.readDiff(), stored, gradients };
  for (const resource of [layer, x, y]) resource.dispose();
  return result;
}

/** If no sum rounds, the ranks together give the same bits as one process with the whole batch. */
export function exactCases(backends: readonly Backend[]): readonly RankCase[] {
  return backends.flatMap((backend) =>
    backend.supports.dtypes.flatMap((dtype) =>
      Object.entries(COUNTS).map(([name, countOf]): RankCase => {
        return {
          name: `exact sums, ${name}, ${dtype}, ${backend.name}: the bits of one process`,
          async run(communicator) {
            const { rank, size } = communicator;
            const counts = Array.from({ length: size }, (_, of) => countOf(of, size));
            const firsts = counts.map((_, of) => counts.slice(0, of).reduce((sum, count) => sum + count, 0));
            const first = firsts[rank]!;
            const rows = counts[rank]!;
            const ours = await train(backend, dtype, first, rows, communicator);
            const one = await train(backend, dtype, 0, firsts[size - 1]! + counts[size - 1]!);
            const [start, end] = [first * CHANNELS, (first + rows) * CHANNELS];
            expectEqual([...ours.top], [...one.top.subarray(start, end)], "top");
            expectEqual([...ours.diff], [...one.diff.subarray(start, end)], "bottom.diff");
            expectEqual(
              ours.stored.map((list) => [...list]),
              one.stored.map((list) => [...list]),
              "blobs",
            );
            expectEqual(
              ours.gradients.map((list) => [...list]),
              one.gradients.map((list) => [...list]),
              "gradients",
            );
          },
        };
      }),
    ),
  );
}
