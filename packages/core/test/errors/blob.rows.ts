import { createBlob } from "../../src/index.ts";
import type { ErrorRow } from "./desk.ts";

const S = "ERR_BN_SHAPE";
const D = "ERR_BN_DISPOSED";
const B = "ERR_BN_BACKEND";

// JavaScript and files can contain values that the types forbid.
const unchecked = <T>(value: unknown): T => value as T;

export const BLOB_ROWS: readonly ErrorRow[] = [
  {
    name: "blob/negative-axis",
    clause: "B-1",
    code: S,
    says: ["createBlob", "axis", "1", "-1", "2x-1", "0"],
    act: (t) => () => createBlob(t.backend, [2, -1]),
  },
  {
    name: "blob/fractional-axis",
    clause: "B-1",
    code: S,
    says: ["createBlob", "axis", "0", "1.5"],
    act: (t) => () => createBlob(t.backend, [1.5]),
  },
  {
    name: "blob/33-axes",
    clause: "B-1",
    code: S,
    says: ["createBlob", "33", "axes", "32"],
    act: (t) => () => createBlob(t.backend, new Array(33).fill(1)),
  },
  {
    name: "blob/too-many-elements",
    clause: "B-1",
    code: S,
    says: ["createBlob", "65536x65536", "2", "31"],
    act: (t) => () => createBlob(t.backend, [65536, 65536]),
  },
  {
    name: "blob/reshape-too-many-elements",
    clause: "B-1",
    code: S,
    says: ["Blob reshape", "65536x32768", "31"],
    act: (t) => () => t.x.reshape([65536, 32768]),
  },
  {
    name: "blob/reshape-negative-axis",
    clause: "B-1",
    code: S,
    says: ["Blob reshape", "axis", "0", "-2", "3x4"],
    act: (t) => () => t.x.reshape([-2, 3, 4]),
  },
  {
    name: "blob/unknown-dtype",
    clause: "L-3",
    code: B,
    says: ["createBlob", "int8"],
    act: (t) => () => createBlob(t.backend, [2], unchecked("int8")),
  },
  {
    name: "blob/canonical-axis",
    clause: "B-2",
    code: S,
    says: ["Blob canonicalAxis", "axis", "3", "-3", "2", "2x3x4"],
    act: (t) => () => t.x.canonicalAxis(3),
  },
  {
    name: "blob/canonical-axis-negative",
    clause: "B-2",
    code: S,
    says: ["Blob canonicalAxis", "axis", "-4", "-3", "2", "2x3x4"],
    act: (t) => () => t.x.canonicalAxis(-4),
  },
  {
    name: "blob/count-start",
    clause: "B-2",
    code: S,
    says: ["Blob count", "start", "4", "-3", "2x3x4"],
    act: (t) => () => t.x.count(4),
  },
  {
    name: "blob/count-end",
    clause: "B-2",
    code: S,
    says: ["Blob count", "end", "0.5", "-3", "2x3x4"],
    act: (t) => () => t.x.count(0, 0.5),
  },
  {
    name: "blob/write-length",
    clause: "B-5",
    code: S,
    says: ["Blob write", "3", "24", "2x3x4", "reshape()"],
    act: (t) => () => t.x.write([1, 2, 3]),
  },
  {
    name: "blob/write-diff-length",
    clause: "B-5",
    code: S,
    says: ["Blob writeDiff", "25", "24", "2x3x4", "reshape()"],
    act: (t) => () => t.x.writeDiff(new Float32Array(25)),
  },
  {
    name: "blob/contract-version",
    clause: "B-5",
    code: "ERR_BN_BACKEND",
    says: ["createBlob", "contractVersion", "1", "2", "backend.md"],
    act: (t) => () => createBlob(Object.create(t.backend, { contractVersion: { value: 1 } })),
  },
  ...(["write", "writeDiff"] as const).map(
    (method): ErrorRow => ({
      name: `blob/disposed-${method}`,
      clause: "B-5",
      code: D,
      says: [`Blob ${method}`, "2", "disposed"],
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
    says: ["Blob reshape", "2", "disposed"],
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
    says: ["Blob data", "()", "disposed"],
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
    says: ["Blob diff", "disposed"],
    act: async (t) => {
      const blob = createBlob(t.other, [2]);
      await t.other.dispose();
      return () => blob.readDiff();
    },
  },
];
