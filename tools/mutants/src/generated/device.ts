import type { DeviceBuffer, Geometry } from "@bn/core";
import { changedCall, type Mutant, ownCount } from "./generate.ts";
import { type Args, SIGNATURES } from "./operands.ts";

type Change = (g: Geometry, size: number) => Geometry;

const SIZES = [1, 3, 7, 20, 64, 127, 200, 256];
const SHRINKS: readonly (readonly [dimension: string, what: string, change: Change])[] = [
  ["outer", "rows beyond", (g, size) => ({ ...g, outer: Math.min(g.outer, size) })],
  ["outer", "the last row beyond", (g, size) => ({ ...g, outer: g.outer > size ? g.outer - 1 : g.outer })],
  [
    "channels",
    "channels of one row beyond",
    (g, size) => (g.outer === 1 ? { ...g, channels: Math.min(g.channels, size) } : g),
  ],
  [
    "inner",
    "elements of one row beyond",
    (g, size) => (g.outer * g.channels === 1 ? { ...g, inner: Math.min(g.inner, size) } : g),
  ],
];

/** The kernels that take a geometry. */
const SHRUNK = ["moments", "normalize", "gradSums", "gradNormalize", "scale", "scaleSums", "forward", "backward"];

const without = (at: number) => (args: Args) => args.with(at, null);
const noBeta = (at: number) => (args: Args) => args.with(at, args[at] && { ...args[at], beta: null });
const shorter = (args: Args) => args.with(0, Math.max(0, (args[0] as number) - 1));
function longer([length, x, y]: Args): Args {
  return [Math.min((length as number) + 1, (x as DeviceBuffer).length, (y as DeviceBuffer).length), x, y];
}

const OTHERS: readonly (readonly [kernel: string, bug: string, change: (args: Args) => Args])[] = [
  ["normalize", "no beta", noBeta(4)],
  ["scale", "no beta", noBeta(2)],
  ["gradNormalize", "m ignored", (args) => args.with(7, ownCount(args[2]))],
  ["gradNormalize", "sums forgotten", without(6)],
  ["gradSums", "grad forgotten", without(6)],
  ["movingAverage", "a correction of 1", (args) => args.with(2, { ...(args[2] as object), correction: 1 })],
  ["fill", "the sign lost", (args) => args.with(1, Math.abs(args[1] as number))],
  ["copy", "one element too few", shorter],
  ["copy", "one element too many", longer],
];

/** Mistakes that do not read memory, so that they can be planted into any backend. */
export function deviceMutants(): Mutant<DeviceBuffer>[] {
  const shrunk = SHRUNK.flatMap((kernel) => {
    const at = SIGNATURES.find((signature) => signature.kernel === kernel)?.size ?? 0;
    return SHRINKS.flatMap(([dimension, what, change]) =>
      SIZES.map((size) =>
        changedCall(kernel, `no ${what} ${size}`, `no ${what} a size`, { dimension, above: size }, (args) =>
          args.with(at, change(args[at] as Geometry, size)),
        ),
      ),
    );
  });
  const others = OTHERS.map(([kernel, bug, change]) => {
    return changedCall(kernel, bug, `${kernel}: ${bug}`, { dimension: "up-to", above: 1 }, change);
  });
  return [...shrunk, ...others];
}
