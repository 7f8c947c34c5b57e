import type { Affine, Backend, DeviceBuffer, Geometry, Kernels } from "@bn/core";
import type { Mutant } from "./generate.ts";

/** A mistake that does not read memory, so that it can be planted into any backend. */
export interface DeviceMutant extends Pick<Mutant, "id" | "kind" | "kernel" | "hint"> {
  readonly plant: (backend: Backend) => Partial<Kernels<DeviceBuffer>>;
}
type Change = (g: Geometry, size: number) => Geometry;
type Real = Kernels<DeviceBuffer>;

const SIZES = [1, 3, 7, 20, 64, 127, 200, 256];
const SHRINKS: readonly { readonly dimension: string; readonly what: string; readonly change: Change }[] = [
  { dimension: "outer", what: "rows beyond", change: (g, size) => ({ ...g, outer: Math.min(g.outer, size) }) },
  {
    dimension: "outer",
    what: "the last row beyond",
    change: (g, size) => ({ ...g, outer: g.outer > size ? g.outer - 1 : g.outer }),
  },
  {
    dimension: "channels",
    what: "channels of one row beyond",
    change: (g, size) => (g.outer === 1 ? { ...g, channels: Math.min(g.channels, size) } : g),
  },
  {
    dimension: "inner",
    what: "elements of one row beyond",
    change: (g, size) => (g.outer * g.channels === 1 ? { ...g, inner: Math.min(g.inner, size) } : g),
  },
];

/** The kernels that take a geometry, called with another geometry. */
const SHRUNK: Readonly<Record<string, (real: Real, change: (g: Geometry) => Geometry) => Partial<Real>>> = {
  moments: (real, f) => ({ moments: (x, g, out) => real.moments(x, f(g), out) }),
  normalize: (real, f) => ({ normalize: (x, g, ...rest) => real.normalize(x, f(g), ...rest) }),
  gradSums: (real, f) => ({ gradSums: (dy, x, g, ...rest) => real.gradSums(dy, x, f(g), ...rest) }),
  gradNormalize: (real, f) => ({ gradNormalize: (dy, x, g, ...rest) => real.gradNormalize(dy, x, f(g), ...rest) }),
  scale: (real, f) => ({ scale: (x, g, ...rest) => real.scale(x, f(g), ...rest) }),
  scaleSums: (real, f) => ({ scaleSums: (dy, x, g, ...rest) => real.scaleSums(dy, x, f(g), ...rest) }),
  forward: (real, f) => ({ forward: (x, g, ...rest) => real.forward?.(x, f(g), ...rest) }),
  backward: (real, f) => ({ backward: (dy, x, g, ...rest) => real.backward?.(dy, x, f(g), ...rest) }),
};

const noBeta = (affine: Affine<DeviceBuffer> | null) => affine && { ...affine, beta: null };

const OTHERS: readonly (Pick<DeviceMutant, "id" | "kernel"> & { readonly plant: (real: Real) => Partial<Real> })[] = [
  {
    id: "normalize: no beta",
    kernel: "normalize",
    plant: (real) => ({ normalize: (x, g, s, eps, affine, y) => real.normalize(x, g, s, eps, noBeta(affine), y) }),
  },
  {
    id: "scale: no beta",
    kernel: "scale",
    plant: (real) => ({ scale: (x, g, { gamma }, y) => real.scale(x, g, { gamma, beta: null }, y) }),
  },
  {
    id: "gradNormalize: m ignored",
    kernel: "gradNormalize",
    plant: (real) => ({
      gradNormalize: (dy, x, g, s, eps, affine, sums, _, dx) =>
        real.gradNormalize(dy, x, g, s, eps, affine, sums, g.outer * g.inner, dx),
    }),
  },
  {
    id: "gradNormalize: sums forgotten",
    kernel: "gradNormalize",
    plant: (real) => ({
      gradNormalize: (dy, x, g, s, eps, affine, _, m, dx) => real.gradNormalize(dy, x, g, s, eps, affine, null, m, dx),
    }),
  },
  {
    id: "gradSums: grad forgotten",
    kernel: "gradSums",
    plant: (real) => ({ gradSums: (dy, x, g, s, eps, sums) => real.gradSums(dy, x, g, s, eps, sums, null) }),
  },
  {
    id: "movingAverage: a correction of 1",
    kernel: "movingAverage",
    plant: (real) => ({ movingAverage: (n, s, average) => real.movingAverage(n, s, { ...average, correction: 1 }) }),
  },
  {
    id: "fill: the sign lost",
    kernel: "fill",
    plant: (real) => ({ fill: (length, value, y) => real.fill(length, Math.abs(value), y) }),
  },
  {
    id: "copy: one element too few",
    kernel: "copy",
    plant: (real) => ({ copy: (length, x, y) => real.copy(Math.max(0, length - 1), x, y) }),
  },
  {
    id: "copy: one element too many",
    kernel: "copy",
    plant: (real) => ({ copy: (length, x, y) => real.copy(Math.min(length + 1, x.length, y.length), x, y) }),
  },
];

export function deviceMutants(): DeviceMutant[] {
  const shrunk = Object.entries(SHRUNK).flatMap(([kernel, plant]) =>
    SHRINKS.flatMap(({ dimension, what, change }) =>
      SIZES.map((size) => ({
        id: `${kernel}: no ${what} ${size}`,
        kind: `no ${what} a size`,
        kernel,
        hint: { dimension, above: size },
        plant: (backend: Backend) => plant(backend.kernels, (g) => change(g, size)),
      })),
    ),
  );
  const hint = { dimension: "up-to", above: 1 };
  return [
    ...shrunk,
    ...OTHERS.map(({ id, kernel, plant }) => ({
      id,
      kind: id,
      kernel,
      hint,
      plant: (backend: Backend) => plant(backend.kernels),
    })),
  ];
}
