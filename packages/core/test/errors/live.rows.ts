import { createBatchNorm, createBatchNormScale, createBlob, createScale, type Layer } from "../../src/index.ts";
import type { Desk, ErrorRow } from "./desk.ts";

/** A second layer on the desk's blobs, after a forward. */
function another(t: Desk, make: () => Layer) {
  const layer = make();
  const [bottom, top] = [t.blob([2, 3, 4]), t.blob()];
  bottom.write(Float32Array.from({ length: 24 }, (_, i) => i % 5));
  layer.setUp([bottom], [top]);
  layer.forward([bottom], [top]);
  return { layer, bottom, top };
}

const MAKERS = {
  BatchNorm: () => createBatchNorm(),
  BatchNormScale: () => createBatchNormScale({ biasTerm: true }),
  Scale: () => createScale({ biasTerm: true }),
} as const;
const TYPES = ["BatchNorm", "BatchNormScale", "Scale"] as const;

/**
 * A layer's blob is reshaped, disposed, or loses its buffer. Every call must say so, without reading or writing
 * anything.
 */
const STATE_ROWS: readonly ErrorRow[] = TYPES.flatMap((type) =>
  (["reshape", "forward", "backward", "clearParamDiffs", "state"] as const).flatMap((method) =>
    (
      [
        ["reshaped", "ERR_BN_SHAPE", ["blobs[1] was reshaped to 2", "setUp()"]],
        ["grown", "ERR_BN_SHAPE", ["blobs[1] was reshaped to 5x7", "setUp()"]],
        ["disposed", "ERR_BN_DISPOSED", ["blobs[1]", "was disposed"]],
        ["bufferless", "ERR_BN_DISPOSED", ["data buffer of blobs[1]", "was disposed"]],
        ["diffless", "ERR_BN_DISPOSED", ["diff buffer of blobs[1]", "was disposed"]],
      ] as const
    ).map(([harm, code, says]) => ({
      name: `live/${type}/${method} with a blob ${harm}`,
      clause: "L-3",
      code,
      says: [`${type} ${method}`, ...says],
      act: (t) => {
        const { layer, bottom, top } = another(t, MAKERS[type]);
        const blob = layer.blobs[1]!;
        if (harm === "reshaped") blob.reshape([2]);
        if (harm === "grown") blob.reshape([5, 7]);
        if (harm === "disposed") blob.dispose();
        if (harm === "bufferless") blob.data.dispose();
        if (harm === "diffless") blob.diff.dispose();
        return () => {
          if (method === "backward") layer.backward([top], [true], [bottom]);
          else if (method === "clearParamDiffs" || method === "state") return layer[method]();
          else layer[method]([bottom], [top]);
          return undefined;
        };
      },
    })),
  ),
);

/** The buffer of a bottom or top is disposed without the blob's knowledge. */
const BLOB_ROWS: readonly ErrorRow[] = (["forward", "backward"] as const).flatMap((method) =>
  (["bottom", "top"] as const).flatMap((which) =>
    (["data", "diff"] as const).map((part) => ({
      name: `live/${method} without ${which}.${part}`,
      clause: "B-6",
      code: "ERR_BN_DISPOSED" as const,
      says: [`${part} buffer of ${which}[0]`, "was disposed"],
      act: (t: Desk) => {
        const { layer, bottom, top } = another(t, MAKERS.BatchNormScale);
        layer.backward([top], [true], [bottom]);
        ({ bottom, top })[which][part].dispose();
        return () => (method === "forward" ? layer.forward([bottom], [top]) : layer.backward([top], [true], [bottom]));
      },
    })),
  ),
);

const OTHER_ROWS: readonly ErrorRow[] = [
  ...(["read", "readDiff"] as const).map(
    (method): ErrorRow => ({
      name: `live/${method} without a buffer`,
      clause: "B-6",
      code: "ERR_BN_DISPOSED",
      says: ["shape 2", "buffer", "disposed"],
      act: (t) => {
        const blob = t.blob([2]);
        blob.data.dispose();
        blob.diff.dispose();
        return () => blob[method]();
      },
    }),
  ),
  {
    name: "live/createBlob on a foreign buffer",
    clause: "B-6",
    code: "ERR_BN_BACKEND",
    says: ["createBlob", "not a buffer of this backend"],
    act: (t) => {
      const theirs = t.other.alloc("float32", 4);
      return () => createBlob(t.backend, [4], "float32", theirs);
    },
  },
  {
    name: "live/createBlob on something like a buffer",
    clause: "B-6",
    code: "ERR_BN_BACKEND",
    says: ["createBlob", "not a buffer of this backend"],
    act: (t) => {
      const like = { ...t.backend.alloc("float32", 4) };
      return () => createBlob(t.backend, [4], "float32", like);
    },
  },
  {
    name: "live/createBlob on a disposed buffer",
    clause: "B-6",
    code: "ERR_BN_DISPOSED",
    says: ["createBlob", "data was disposed"],
    act: (t) => {
      const buffer = t.backend.alloc("float32", 4);
      buffer.dispose();
      return () => createBlob(t.backend, [4], "float32", buffer);
    },
  },
  {
    name: "live/createBlob on a buffer of another dtype",
    clause: "B-6",
    code: "ERR_BN_BACKEND",
    says: ["createBlob", "float64", "float32"],
    act: (t) => {
      const buffer = t.backend.alloc("float64", 4);
      return () => createBlob(t.backend, [4], "float32", buffer);
    },
  },
  {
    name: "live/createBlob on a buffer too short",
    clause: "B-6",
    code: "ERR_BN_SHAPE",
    says: ["createBlob", "4 elements", "2x3", "6"],
    act: (t) => {
      const buffer = t.backend.alloc("float32", 4);
      return () => createBlob(t.backend, [2, 3], "float32", buffer);
    },
  },
  {
    name: "live/createBlob on a disposed backend",
    clause: "B-6",
    code: "ERR_BN_DISPOSED",
    says: ["createBlob", "plain", "disposed"],
    act: async (t) => {
      await t.other.dispose();
      return () => createBlob(t.other, [4]);
    },
  },
  {
    name: "live/Scale setUp with [N, C, 1, 1]",
    clause: "S-5",
    code: "ERR_BN_SHAPE",
    says: ['Scale "se" setUp', "bottom[1]", "2x3x1x1", "reshape() bottom[1] to 2x3", "not broadcast"],
    act: (t) => {
      const layer = createScale({ axis: 0, name: "se" });
      const [bottom, factor] = [t.blob([2, 3, 4, 4]), t.blob([2, 3, 1, 1])];
      return () => layer.setUp([bottom, factor], [t.z]);
    },
  },
];

export const LIVE_ROWS: readonly ErrorRow[] = [...STATE_ROWS, ...BLOB_ROWS, ...OTHER_ROWS];
