import {
  type Blob,
  createBatchNorm,
  createBatchNormScale,
  createBlob,
  createScale,
  type LayerState,
} from "../../src/index.ts";
import type { Desk, ErrorRow } from "./desk.ts";

const T = "ERR_BN_STATE";
const P = "ERR_BN_PARAM";
const S = "ERR_BN_SHAPE";

/** A fused layer out of place, after a forward, and the event before its backward. */
function after(
  harm: (t: Desk, bottom: Blob, top: Blob, layer: ReturnType<typeof createBatchNormScale>) => unknown,
): ErrorRow["act"] {
  return (t) => {
    const layer = createBatchNormScale({ biasTerm: true });
    const [bottom, top] = [t.blob([2, 3, 4]), t.blob()];
    bottom.write(Float32Array.from({ length: 24 }, (_, i) => i % 5));
    layer.setUp([bottom], [top]);
    layer.forward([bottom], [top]);
    const now = harm(t, bottom, top, layer);
    const [b, y] = Array.isArray(now) ? (now as [Blob, Blob]) : [bottom, top];
    return () => layer.backward([y], [true], [b]);
  };
}

/** L-5: the data that backward would read has changed since forward. */
const BACKWARD: readonly (readonly [string, readonly string[], ErrorRow["act"]])[] = [
  ["another bottom", ["bottom[0]", "layer per input", "blobs"], after((t, _bottom, top) => [t.x, top])],
  ["another top", ["top[0]", "layer per input"], after((t, bottom) => [bottom, t.y])],
  [
    "the bottom before last",
    ["bottom[0]", "layer per input"],
    after((t, bottom, top, layer) => {
      const [b, y] = [t.blob([2, 3, 4]), t.blob()];
      layer.forward([b], [y]);
      return [bottom, top];
    }),
  ],
  [
    "bottom written",
    ["bottom[0]", "overwritten", "forward()"],
    after((_t, bottom) => bottom.write(new Float32Array(24))),
  ],
  [
    "bottom written through another blob on its buffer",
    ["bottom[0]", "overwritten"],
    after((t, bottom) => createBlob(t.backend, [24], "float32", bottom.data as never).write(new Float32Array(24))),
  ],
  [
    "bottom written as the diff of another blob",
    ["bottom[0]", "overwritten"],
    (t) => {
      const owner = t.blob([2, 3, 4]);
      const bottom = createBlob(t.backend, [2, 3, 4], "float32", owner.diff as never);
      const [layer, top] = [createBatchNorm(), t.blob()];
      layer.setUp([bottom], [top]);
      layer.forward([bottom], [top]);
      owner.writeDiff(new Float32Array(24));
      return () => layer.backward([top], [true], [bottom]);
    },
  ],
  [
    "bottom overwritten by a layer",
    ["bottom[0]", "overwritten"],
    after((t, bottom) => {
      const layer = createBatchNorm();
      layer.setUp([t.x], [bottom]);
      layer.forward([t.x], [bottom]);
    }),
  ],
  [
    "bottom reshaped",
    ["bottom[0] has shape 3x3x4", "forward()"],
    after((_t, bottom, top) => {
      bottom.reshape([3, 3, 4]);
      top.reshape([3, 3, 4]);
    }),
  ],
  [
    "bottom reshaped and back",
    ["bottom[0]", "replaced"],
    after((_t, bottom) => {
      bottom.reshape([9, 3, 4]);
      bottom.reshape([2, 3, 4]);
    }),
  ],
  ["top reshaped", ["top[0] 7", "forward()"], after((_t, _bottom, top) => top.reshape([7]))],
  [
    "gamma reallocated",
    ["the scale", "replaced"],
    after((_t, _bottom, _top, layer) => {
      layer.gamma!.reshape([4]);
      layer.gamma!.reshape([3]);
    }),
  ],
  ["setUp since", ["forward()"], after((_t, bottom, top, layer) => layer.setUp([bottom], [top]))],
];

/** Uses a backend of its own, because a device error concerns every layer on it. */
const DEVICE_ROW: ErrorRow = {
  name: "state/backward: a device error since forward",
  clause: "L-5",
  code: T,
  says: ["BatchNorm backward", "the device", "forward()"],
  act: (t) => {
    const layer = createBatchNorm();
    const [bottom, top] = [createBlob(t.other, [2, 3]), createBlob(t.other)];
    layer.setUp([bottom], [top]);
    layer.forward([bottom], [top]);
    layer.backward([top], [true], [bottom]);
    t.other.faults++;
    return () => layer.backward([top], [true], [bottom]);
  },
};

const BACKWARD_ROWS: readonly ErrorRow[] = BACKWARD.map(([name, says, act]) => ({
  name: `state/backward: ${name}`,
  clause: "L-5",
  code: T,
  says: ["backward", ...says],
  act,
}));

const SCALE_ROWS: readonly ErrorRow[] = (["written", "reallocated", "another"] as const).map((harm) => ({
  name: `state/Scale backward: bottom[1] ${harm}`,
  clause: "L-5",
  code: T,
  says: ["Scale backward", harm === "reallocated" ? "the scale" : "bottom[1]"],
  act: (t) => {
    const layer = createScale();
    const [bottom, factor, top, other] = [t.blob([2, 3, 4]), t.blob([3]), t.blob(), t.blob([3])];
    layer.setUp([bottom, factor], [top]);
    layer.forward([bottom, factor], [top]);
    if (harm === "written") factor.write([1, 2, 3]);
    if (harm === "reallocated") {
      factor.reshape([4]);
      factor.reshape([3]);
    }
    return () => layer.backward([top], [true, true], [bottom, harm === "another" ? other : factor]);
  },
}));

/** A valid state of a BatchNorm with 3 channels. */
const right = (): LayerState<number[]> => ({
  type: "BatchNorm",
  version: 1,
  dtype: "float32",
  blobs: {
    mean: { shape: [3], values: [1, 2, 3] },
    variance: { shape: [3], values: [1, 2, 3] },
    factor: { shape: [1], values: [1] },
  },
});
const having = (path: string, value: unknown): LayerState<number[]> => {
  const state: Record<string, unknown> = { ...structuredClone(right()) };
  const keys = path.split(".");
  const last = keys.pop() as string;
  let at = state;
  for (const key of keys) at = at[key] as Record<string, unknown>;
  if (value === undefined) delete at[last];
  else at[last] = value;
  return state as never;
};

const LOADS: readonly (readonly [string, ErrorRow["code"], unknown, readonly string[]])[] = [
  ["nothing", P, undefined, ["state is undefined", "state()"]],
  ["null", P, null, ["state is null"]],
  ["a promise", P, Promise.resolve(right()), ["a promise", "await"]],
  ["an array", P, [], ["an empty array"]],
  ["of a Scale", P, having("type", "Scale"), ['state.type is "Scale"', '"BatchNorm"']],
  ["of no layer", P, having("type", "constructor"), ["state.type"]],
  ["of a later version", P, having("version", 2), ["state.version is 2", "update"]],
  ["of an unknown dtype", P, having("dtype", "int8"), ["state.dtype"]],
  ["without blobs", P, having("blobs", undefined), ["state.blobs is undefined"]],
  ["without the factor", P, having("blobs.factor", undefined), ["mean, variance", "factor"]],
  ["with gamma", P, having("blobs.gamma", { shape: [3], values: [1, 1, 1] }), ["gamma"]],
  ["with a strange blob", P, having("blobs.constructor", { shape: [3], values: [1, 1, 1] }), ["constructor"]],
  ["with a blob that is null", P, having("blobs.mean", null), ["state.blobs.mean is null"]],
  ["without a shape", P, having("blobs.mean.shape", undefined), ["state.blobs.mean.shape"]],
  ["with a negative shape", P, having("blobs.mean.shape", [-3]), ["state.blobs.mean.shape"]],
  ["with too few values", P, having("blobs.mean.values", [1, 2]), ["2 values", "3"]],
  ["with a string", P, having("blobs.mean.values", "123"), ["state.blobs.mean.values", '"123"']],
  ["with null", P, having("blobs.mean.values", [1, null, 3]), ["values[1] is null", "JSON"]],
  ["with a number beyond float32", P, having("blobs.variance.values", [1, 1e39, 3]), ["1e+39", "float32"]],
  [
    "of other channels",
    S,
    {
      ...right(),
      blobs: {
        mean: { shape: [2], values: [1, 2] },
        variance: { shape: [2], values: [1, 2] },
        factor: { shape: [1], values: [1] },
      },
    },
    ["mean", "shape 2", "3"],
  ],
];

const LOAD_ROWS: readonly ErrorRow[] = LOADS.map(([name, code, state, says]) => ({
  name: `state/load ${name}`,
  clause: "L-11",
  code,
  says: ['BatchNorm "bn1" load', ...says],
  act: (t) => () => t.bn.load(state as never),
}));

const OTHER_ROWS: readonly ErrorRow[] = [
  {
    name: "state/state before setUp",
    clause: "L-11",
    code: T,
    says: ["BatchNorm state", "setUp()"],
    act: () => {
      const layer = createBatchNorm();
      return () => layer.state();
    },
  },
  {
    name: "state/mean before setUp",
    clause: "BN-6",
    code: T,
    says: ["BatchNorm mean", "setUp()"],
    act: () => {
      const layer = createBatchNorm();
      return () => layer.mean();
    },
  },
  {
    name: "state/setUp with a waiting state of other channels",
    clause: "L-11",
    code: S,
    says: ["BatchNorm setUp", "mean", "shape 3", "2"],
    act: (t) => {
      const layer = createBatchNorm();
      layer.load(right());
      const bottom = t.blob([4, 2]);
      return () => layer.setUp([bottom], [t.y]);
    },
  },
  ...(["state", "load", "mean", "variance"] as const).map(
    (method): ErrorRow => ({
      name: `state/${method} of a disposed layer`,
      clause: "L-11",
      code: "ERR_BN_DISPOSED",
      says: [`BatchNorm ${method}`, "disposed"],
      act: () => {
        const layer = createBatchNorm();
        layer.dispose();
        return () => (method === "load" ? layer.load(right()) : layer[method]());
      },
    }),
  ),
];

export const STATE_ROWS: readonly ErrorRow[] = [
  ...BACKWARD_ROWS,
  DEVICE_ROW,
  ...SCALE_ROWS,
  ...LOAD_ROWS,
  ...OTHER_ROWS,
];
