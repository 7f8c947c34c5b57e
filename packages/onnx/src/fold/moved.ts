import type { Mistake } from "./mistakes.ts";
import { type FoldTask, rightFold } from "./task.ts";

/** The gain of each weight was taken along another axis than that of the outputs. A bias does not show this. */
export function* mixedGroups(task: FoldTask): Generator<Mistake> {
  const { dims, layout, weights } = task;
  const [rows = 1, columns = 1] = dims;
  const size = weights.length / (rows * columns);
  if (dims.length < 2 || !Number.isInteger(size)) return; // a part of a task has no axes
  const rowOf = (i: number) => Math.floor(i / (columns * size));
  const columnOf = (i: number) => Math.floor(i / size) % columns;
  const mixed = (id: string, name: string, out: (i: number) => number): Mistake => ({
    ...{ id, name },
    fold: () => ({
      weights: rightFold({ ...task, layout: { ...layout, out } }).weights,
      bias: rightFold(task).bias,
    }),
  });
  const groups = layout.outputs / columns;
  // [inputs][outputs / groups], as for a transposed convolution.
  if (rows === layout.inputs && groups > 1 && Number.isInteger(groups)) {
    yield mixed(
      "groups by rest",
      "groups were mixed up: consecutive inputs were assigned to consecutive groups",
      (i) => (rowOf(i) % groups) * columns + columnOf(i),
    );
    yield mixed(
      "groups inside",
      "groups were mixed up: they were read as if interleaved within the outputs",
      (i) => columnOf(i) * groups + (rowOf(i) % groups),
    );
  }
  if (rows === layout.outputs) yield mixed("rows", "the weights were scaled along their first axis", rowOf);
  if (columns === layout.outputs) yield mixed("columns", "the weights were scaled along their second axis", columnOf);
}

/**
 * The right numbers in another order: kernels rotated or axes exchanged, which is possible only if the axes have the
 * same size.
 */
export function* movedWeights(task: FoldTask): Generator<Mistake> {
  const { dims, weights } = task;
  if (dims.length < 2 || dims.reduce((a, b) => a * b, 1) !== weights.length) return; // a part of a task has no axes
  const [a = 1, b = 1, ...kernel] = dims;
  const size = kernel.reduce((x, y) => x * y, 1);
  const moved = (id: string, name: string, from: (i: number) => number): Mistake => ({
    ...{ id, name },
    fold() {
      const right = rightFold(task);
      return { weights: right.weights.map((_, i) => right.weights[from(i)] as number), bias: right.bias };
    },
  });
  if (size > 1) {
    yield moved("flipped", "kernels are turned by 180 degrees", (i) => i - (i % size) + (size - 1 - (i % size)));
  }
  const [height, width] = kernel;
  if (kernel.length === 2 && height !== undefined && height === width && size > 1) {
    yield moved("kernel axes", "height and width of the kernels are exchanged", (i) => {
      const k = i % size;
      return i - k + (k % height) * height + Math.floor(k / height);
    });
  }
  if (a === b && a > 1) {
    yield moved("weight axes", "the first two axes of the weights are exchanged", (i) => {
      const [row, column] = [Math.floor(i / (b * size)), Math.floor(i / size) % b];
      return (column * b + row) * size + (i % size);
    });
  }
}
