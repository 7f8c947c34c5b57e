import type { Geometry } from "@bn/core";
import { type Mistake, mistake } from "./mistake.ts";
import type { Formulas } from "./reference.ts";

const swapped = (n: number, i: number) => ((i ^ 1) < n ? i ^ 1 : i);

/** Mistakes of indices. */
export const LAYOUTS: readonly Mistake[] = [
  mistake("channels-last", "the channel were the last axis, [outer][inner][channels]", {
    index: (g, o, c, k) => (o * g.inner + k) * g.channels + c,
  }),
  mistake("channels-outermost", "the channel were the first axis, [channels][outer][inner]", {
    index: (g, o, c, k) => (c * g.outer + o) * g.inner + k,
  }),
  mistake(
    "outer-forgotten",
    "the rows of [outer] followed each other without the channels between: outer is forgotten",
    {
      index: (g, o, c, k) => (o + c) * g.inner + k,
    },
  ),
  mistake("first-row-repeated", "every row of [outer] were the first", { index: (g, _, c, k) => c * g.inner + k }),
  mistake("channels-swapped", "neighbouring channels were swapped", { channel: (g, c) => swapped(g.channels, c) }),
  mistake("channel-0", "every channel used the statistics and parameters of channel 0", { channel: () => 0 }),
  mistake("channel-next", "each channel used what belongs to the next", { channel: (g, c) => (c + 1) % g.channels }),
  mistake("channel-previous", "each channel used what belongs to the one before", {
    channel: (g, c) => (c + g.channels - 1) % g.channels,
  }),
];

/** Sizes at which kernels change their method: vectors, workgroups, lines, tiles, counters. */
const LIMITS = [
  1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 511, 512, 1023, 1024, 2048, 4096, 65535, 65536,
];

/** The numbers of elements that a step of a loop may process. */
const WIDTHS = [2, 4, 8, 16, 32, 64];

function limitsOf(size: number): number[] {
  const vectors = WIDTHS.map((width) => size - (size % width));
  return [...new Set([size - 1, ...vectors, ...LIMITS])].filter((limit) => limit > 0 && limit < size);
}

const FROM = (limit: number) => (limit === 1 ? "beyond the first" : `beyond the first ${limit}`);

/**
 * Mistakes that leave out everything beyond a limit: terms of sums, or elements of maps, which keep their former
 * contents.
 */
export function truncations({ outer, channels, inner }: Geometry): Mistake[] {
  const covering = (key: string, what: string, limit: number, axis: "outer" | "inner") => {
    const text = `${what} ${FROM(limit)} were ignored`;
    const covers: Formulas["covers"] = axis === "outer" ? (_, o) => o < limit : (_, __, ___, k) => k < limit;
    const count: Formulas["count"] = (g) => (axis === "outer" ? limit * g.inner : g.outer * limit);
    return [mistake(key, text, { covers }), mistake(key, `${text}, and not counted in m`, { covers, count })];
  };
  return [
    ...limitsOf(outer).flatMap((n) => covering("rows-ignored", "rows of [outer]", n, "outer")),
    ...limitsOf(inner).flatMap((n) => covering("elements-ignored", "elements of a row", n, "inner")),
    ...WIDTHS.filter((width) => (outer * inner) % width > 0).map((width) =>
      mistake(
        `tail-of-${width}-ignored`,
        `what is left of a channel's m elements behind groups of ${width} were ignored`,
        {
          covers: (_, o, __, k) => o * inner + k < outer * inner - ((outer * inner) % width),
        },
      ),
    ),
    ...limitsOf(channels).map((n) =>
      mistake("channels-ignored", `channels ${FROM(n)} were ignored`, { width: () => n }),
    ),
    mistake("first-row-ignored", "the first row of [outer] were ignored", { covers: (_, o) => o > 0 }),
    mistake("first-element-ignored", "the first element of a row were ignored", { covers: (_, __, ___, k) => k > 0 }),
  ];
}
