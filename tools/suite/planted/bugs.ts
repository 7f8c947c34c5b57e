import { readFileSync } from "node:fs";

/** The recipe of docs/adding-a-backend.md as a file; tools/docs proves that both are equal. */
const MINE = readFileSync(new URL("../../../examples/write-a-backend/mine.ts", import.meta.url), "utf8");

export interface Planted {
  readonly bug: string;
  /** Texts of the recipe, and the texts that replace them. */
  readonly edits: readonly (readonly [string, string])[];
  /** The cases that are enough to find it. */
  readonly filter: string;
  /** The text that the report must contain: the mistake, or its clause. */
  readonly told: RegExp;
  /** The most causes that the report may have; by default 2. */
  readonly causes?: number;
}

/** The source of the recipe with one bug. */
export function sourceOf({ bug, edits }: Planted): string {
  let source = MINE;
  for (const [right, wrong] of edits) {
    if (source.split(right).length !== 2) throw new Error(`${bug}: the recipe has no single "${right}"`);
    source = source.replace(right, () => wrong);
  }
  return source;
}

const MAP = `      const { mean, scale, beta } = channel(stats, eps, affine, c);
      for (let i = 0; i < g.outer * g.inner; i++) {`;

export const PLANTED: readonly Planted[] = [
  {
    bug: "eps outside of the root",
    edits: [["1 / Math.sqrt(stats.variance.view[c]! + eps)", "1 / (Math.sqrt(stats.variance.view[c]!) + eps)"]],
    filter: "kernels/normalize",
    told: /as if eps were added outside the root/,
  },
  {
    bug: "m for m - 1: no correction in the moving average",
    edits: [["stats.variance.view[c]! * correction;", "stats.variance.view[c]!;"]],
    filter: "kernels/movingAverage",
    told: /lacked its correction/,
  },
  {
    bug: "rows beyond the 255th ignored",
    edits: [[MAP, MAP.replace("i < g.outer", "i < Math.min(g.outer, 256)")]],
    filter: "kernels/normalize",
    told: /rows of \[outer\] beyond the first 256/,
  },
  {
    bug: "the last odd element forgotten",
    edits: [
      ["const sumDy = sum(0, m, ", "const sumDy = sum(0, m & ~1, "],
      ["const sumDyXhat = sum(0, m, ", "const sumDyXhat = sum(0, m & ~1, "],
    ],
    filter: "kernels/gradSums",
    told: /what is left of a channel's m elements behind groups of 2 were ignored/,
  },
  {
    bug: "in place: the top is cleared before the bottom is read",
    edits: [
      [
        "  normalize(x, g, stats, eps, affine, y) {\n",
        "  normalize(x, g, stats, eps, affine, y) {\n    y.view.fill(0, 0, g.outer * g.channels * g.inner);\n",
      ],
    ],
    filter: "kernels/normalize",
    told: /where y is x/,
  },
  {
    bug: "no propagateDown: gradients are added where none are asked for",
    edits: [["if (grad) grad.gamma.view[c]! += sumDyXhat;", "grad!.gamma.view[c]! += sumDyXhat;"]],
    filter: "kernels/gradSums",
    told: /throws TypeError/,
  },
  {
    bug: "gamma 0 and -0 taken for 1",
    edits: [["affine ? affine.gamma.view[c]! : 1", "affine?.gamma.view[c] || 1"]],
    filter: "kernels/normalize",
    told: /as if a gamma of 0 were 1/,
  },
  {
    bug: "stale scratch: r is kept with the buffer of the variance",
    edits: [
      [
        "const kernels: Kernels<HostBuffer> = {",
        "const kept = new WeakMap<object, number[]>();\n\nconst kernels: Kernels<HostBuffer> = {",
      ],
      [
        "  const r = 1 / Math.sqrt(stats.variance.view[c]! + eps);",
        "  const rs = kept.get(stats.variance) ?? [];\n  kept.set(stats.variance, rs);\n  rs[c] ??= 1 / Math.sqrt(stats.variance.view[c]! + eps);\n  const r = rs[c]!;",
      ],
    ],
    filter: "state",
    told: /something were kept from an earlier call/,
  },
  {
    bug: "channels-last transposed",
    edits: [
      ["  return (row * channels + c)", "  if (inner === 1) return c * outer + row;\n  return (row * channels + c)"],
      ["function at({ channels, inner }", "function at({ outer, channels, inner }"],
    ],
    filter: "kernels/normalize",
    told: /as if the channel were the first axis/,
  },
  {
    bug: "the moving average multiplies the sum",
    edits: [
      [
        "running.mean.view[c]! * fraction + stats.mean.view[c]!",
        "(running.mean.view[c]! + stats.mean.view[c]!) * fraction",
      ],
    ],
    filter: "kernels/movingAverage",
    told: /as if the fraction weighed the new value as well/,
  },
  {
    bug: "gradients overwritten, not added to",
    edits: [["grad.beta.view[c]! += sumDy;", "grad.beta.view[c]! = sumDy;"]],
    filter: "kernels/gradSums",
    told: /the gradient beta were overwritten/,
  },
  {
    bug: "read gives the memory itself",
    edits: [["owned(source).view.slice(0, length)", "owned(source).view.subarray(0, length)"]],
    filter: "memory",
    told: /K-11: Memory: alloc gives zeros/,
    causes: 4, // the diagnosis reads as well, so kernels look wrong to it, too
  },
];
