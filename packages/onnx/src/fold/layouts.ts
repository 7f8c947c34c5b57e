import type { WeightLayout } from "./weights.ts";

/** The W of a convolution: [outputs][inputs / group][kernel...]. Returns a text if `dims` do not fit. */
export function convolutionLayout(dims: readonly number[], group: number): WeightLayout | string {
  const [outputs = 0, perGroup = 0] = dims;
  if (dims.length < 3) return `its weights have shape [${dims}], expected 3 axes or more`;
  if (group < 1 || outputs % group !== 0) return `group is ${group} for ${outputs} outputs`;
  const kernel = dims.slice(2).reduce((a, b) => a * b, 1);
  const outputsOfGroup = outputs / group;
  const out = (i: number) => Math.floor(i / (perGroup * kernel));
  return {
    outputs,
    inputs: perGroup * group,
    out,
    in: (i: number) => Math.floor(out(i) / outputsOfGroup) * perGroup + (Math.floor(i / kernel) % perGroup),
  };
}

/** The W of a transposed convolution: [inputs][outputs / group][kernel...]. */
export function deconvolutionLayout(dims: readonly number[], group: number): WeightLayout | string {
  const [inputs = 0, perGroup = 0] = dims;
  if (dims.length < 3) return `its weights have shape [${dims}], expected 3 axes or more`;
  if (group < 1 || inputs % group !== 0) return `group is ${group} for ${inputs} inputs`;
  const kernel = dims.slice(2).reduce((a, b) => a * b, 1);
  const inputsOfGroup = inputs / group;
  const from = (i: number) => Math.floor(i / (perGroup * kernel));
  return {
    outputs: perGroup * group,
    inputs,
    in: from,
    out: (i: number) => Math.floor(from(i) / inputsOfGroup) * perGroup + (Math.floor(i / kernel) % perGroup),
  };
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
