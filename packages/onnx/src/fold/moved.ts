import type { Mistake } from "./mistakes.ts";
import { type FoldTask, rightFold } from "./task.ts";

/** The right numbers in another order: kernels turned, axes exchanged. Only where the axes are of one size. */
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
