import { createBlob } from "@bn/core";
import type { ErrorRow } from "./desk.ts";

const S = "ERR_BN_SHAPE";
const D = "ERR_BN_DISPOSED";
const B = "ERR_BN_BACKEND";

// Values that types forbid come from JavaScript and from files.
const unchecked = <T>(value: unknown): T => value as T;

export const BLOB_ROWS: readonly ErrorRow[] = [
  {
    name: "blob/negative-axis",
    clause: "B-1",
    code: S,
    message: "createBlob: axis 1 is -1 (shape 2x-1), expected a whole number >= 0",
    act: (t) => () => createBlob(t.backend, [2, -1]),
  },
  {
    name: "blob/fractional-axis",
    clause: "B-1",
    code: S,
    message: "createBlob: axis 0 is 1.5 (shape 1.5), expected a whole number >= 0",
    act: (t) => () => createBlob(t.backend, [1.5]),
  },
  {
    name: "blob/33-axes",
    clause: "B-1",
    code: S,
    message: "createBlob: shape has 33 axes, expected at most 32",
    act: (t) => () => createBlob(t.backend, new Array(33).fill(1)),
  },
  {
    name: "blob/too-many-elements",
    clause: "B-1",
    code: S,
    message: "createBlob: shape 65536x65536 holds more than 2^31 - 1 elements; split the batch",
    act: (t) => () => createBlob(t.backend, [65536, 65536]),
  },
  {
    name: "blob/reshape-too-many-elements",
    clause: "B-1",
    code: S,
    message: "Blob reshape: shape 65536x32768 holds more than 2^31 - 1 elements; split the batch",
    act: (t) => () => t.x.reshape([65536, 32768]),
  },
  {
    name: "blob/reshape-negative-axis",
    clause: "B-1",
    code: S,
    message: "Blob reshape: axis 0 is -2 (shape -2x3x4), expected a whole number >= 0",
    act: (t) => () => t.x.reshape([-2, 3, 4]),
  },
  {
    name: "blob/unknown-dtype",
    clause: "L-3",
    code: B,
    message: (t) => `createBlob: backend "${t.backend.name}" has no int8, only ${t.backend.supports.dtypes.join(", ")}`,
    act: (t) => () => createBlob(t.backend, [2], unchecked("int8")),
  },
  {
    name: "blob/canonical-axis",
    clause: "B-2",
    code: S,
    message: "Blob canonicalAxis: axis is 3, expected a whole number from -3 to 2 for shape 2x3x4",
    act: (t) => () => t.x.canonicalAxis(3),
  },
  {
    name: "blob/canonical-axis-negative",
    clause: "B-2",
    code: S,
    message: "Blob canonicalAxis: axis is -4, expected a whole number from -3 to 2 for shape 2x3x4",
    act: (t) => () => t.x.canonicalAxis(-4),
  },
  {
    name: "blob/count-start",
    clause: "B-2",
    code: S,
    message: "Blob count: start is 4, expected a whole number from -3 to 3 for shape 2x3x4",
    act: (t) => () => t.x.count(4),
  },
  {
    name: "blob/count-end",
    clause: "B-2",
    code: S,
    message: "Blob count: end is 0.5, expected a whole number from -3 to 3 for shape 2x3x4",
    act: (t) => () => t.x.count(0, 0.5),
  },
  {
    name: "blob/write-length",
    clause: "B-5",
    code: S,
    message: "Blob write: 3 values, expected 24 for shape 2x3x4; reshape() first",
    act: (t) => () => t.x.write([1, 2, 3]),
  },
  {
    name: "blob/write-diff-length",
    clause: "B-5",
    code: S,
    message: "Blob writeDiff: 25 values, expected 24 for shape 2x3x4; reshape() first",
    act: (t) => () => t.x.writeDiff(new Float32Array(25)),
  },
  {
    name: "blob/contract-version",
    clause: "B-5",
    code: "ERR_BN_BACKEND",
    message: (t) =>
      `createBlob: backend "${t.backend.name}" has contractVersion 1, this core expects 2; install versions that fit, or bring the backend to contract 2 (docs/adding-a-backend.md)`,
    act: (t) => () => createBlob(Object.create(t.backend, { contractVersion: { value: 1 } })),
  },
  ...(["write", "writeDiff"] as const).map(
    (method): ErrorRow => ({
      name: `blob/disposed-${method}`,
      clause: "B-5",
      code: D,
      message: `Blob ${method}: the blob (shape 2) was disposed; create a new one`,
      act: (t) => {
        const blob = t.blob([2]);
        blob.dispose();
        return () => blob[method]([1, 2]);
      },
    }),
  ),
  {
    name: "blob/disposed-reshape",
    clause: "B-5",
    code: D,
    message: "Blob reshape: the blob (shape 2) was disposed; create a new one",
    act: (t) => {
      const blob = t.blob([2]);
      blob.dispose();
      return () => blob.reshape([1]);
    },
  },
  {
    name: "blob/disposed-read",
    clause: "B-5",
    code: D,
    message: "Blob data: the blob (shape ()) was disposed; create a new one",
    act: (t) => {
      const blob = t.blob([]);
      blob.dispose();
      return () => blob.read();
    },
  },
  {
    name: "blob/disposed-backend",
    clause: "B-5",
    code: D,
    message: (t) => `Blob diff: backend "${t.other.name}" was disposed; create a new one`,
    act: async (t) => {
      const blob = createBlob(t.other, [2]);
      await t.other.dispose();
      return () => blob.readDiff();
    },
  },
];
