import type { WeightLayout } from "./weights.ts";

/** The W of a convolution: [outputs][inputs / group][kernel...]. Returns a text if `dims` do not fit. */
export function convolutionLayout(dims: readonly number[], group: number): WeightLayout | string {
  const found = groupedLayout(dims, group, "outputs");
  if (typeof found === "string") return found;
  return { outputs: found.count, inputs: found.others, out: found.first, in: found.second };
}

/** The W of a transposed convolution: [inputs][outputs / group][kernel...]. */
export function deconvolutionLayout(dims: readonly number[], group: number): WeightLayout | string {
  const found = groupedLayout(dims, group, "inputs");
  if (typeof found === "string") return found;
  return { outputs: found.others, inputs: found.count, out: found.second, in: found.first };
}

/** The channels of the first two axes, [count][others / group][kernel...]. */
function groupedLayout(dims: readonly number[], group: number, what: string) {
  const [count = 0, perGroup = 0] = dims;
  if (dims.length < 3) return `its weights have shape [${dims}], expected 3 axes or more`;
  if (group < 1 || count % group !== 0) return `group is ${group} for ${count} ${what}`;
  const kernel = dims.slice(2).reduce((a, b) => a * b, 1);
  const countOfGroup = count / group;
  const first = (i: number) => Math.floor(i / (perGroup * kernel));
  const second = (i: number) => Math.floor(first(i) / countOfGroup) * perGroup + (Math.floor(i / kernel) % perGroup);
  return { count, others: perGroup * group, first, second };
}

/** A matrix [inputs][outputs], or [outputs][inputs] if it is transposed. */
export function matrixLayout(dims: readonly number[], transposed: boolean): WeightLayout | string {
  const [rows = 0, columns = 0] = dims;
  if (dims.length !== 2) return `its weights have shape [${dims}], expected 2 axes`;
  const row = (i: number) => Math.floor(i / columns);
  const column = (i: number) => i % columns;
  return transposed
    ? { outputs: rows, inputs: columns, out: row, in: column }
    : { outputs: columns, inputs: rows, out: column, in: row };
}
