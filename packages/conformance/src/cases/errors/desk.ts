import { type Backend, type Blob, type BnErrorCode, createBatchNorm, createScale, type Layer } from "@bn/core";
import type { Case, Comparison, Context, Needs } from "../../case.ts";
import { precisionOf } from "../../truth/bounds.ts";
import { batchStats, check, forwardTruth, perChannel } from "../../truth/truth.ts";
import { normals } from "../data.ts";
import { geometryOf, type Scope, withScope } from "../layer-kit.ts";

/** Two layers in good order, which a wrong call must leave so: L-1. */
interface Desk extends Scope {
  /** 2x3x4, full. */
  readonly x: Blob;
  /** bn's top, scale's bottom. */
  readonly y: Blob;
  /** BatchNorm "bn1" and Scale "sc1" with a bias, forward done. */
  readonly bn: Layer;
  readonly scale: Layer;
  readonly z: Blob;
  /** Another instance of the backend. */
  readonly other: Backend;
}

/** One wrong call, and the whole of what it must say. */
export interface ErrorRow {
  readonly name: string;
  readonly clause: string;
  readonly code: BnErrorCode;
  readonly message: string | ((desk: Desk) => string);
  readonly needs?: Needs;
  /** Prepares what is allowed, and gives the call that is not. */
  act(desk: Desk): (() => unknown) | Promise<() => unknown>;
}

const SHAPE = [2, 3, 4];

export function errorCase(row: ErrorRow): Case {
  const id = `errors/${row.name}`;
  const run = ({ backend, create }: Context) =>
    withScope(backend, "float32", async (scope): Promise<Comparison[]> => {
      const other = await create();
      try {
        const values = normals(id, 24, "float32");
        const [y, z] = [scope.blob(), scope.blob()];
        const x = scope.filled(SHAPE, values);
        const bn = scope.own(createBatchNorm({ name: "bn1", updateStats: false }));
        const scale = scope.own(createScale({ name: "sc1", biasTerm: true }));
        bn.setUp([x], [y]);
        bn.forward([x], [y]);
        scale.setUp([y], [z]);
        scale.forward([y], [z]);
        const desk: Desk = { ...scope, x, y, z, bn, scale, other };
        const watched = [x, y, z, ...bn.blobs, ...scale.blobs];
        const before = await Promise.all(watched.map((blob) => blob.read()));
        const shapes = watched.map((blob) => blob.shape);

        const call = await row.act(desk);
        expectError(row, desk, call);

        const done: Comparison[] = [];
        for (const [i, blob] of watched.entries()) {
          if (`${blob.shape}` !== `${shapes[i]}`) throw new Error(`the failed call reshaped a blob to [${blob.shape}]`);
          const old = before[i] as Float32Array;
          const truth = { expected: Float64Array.from(old), bound: new Float64Array(old.length) };
          done.push(check(`blob ${i} after the error`, await blob.read(), truth, perChannel(old.length)));
        }
        bn.backward([y], [true], [x]); // the forward before the error still counts: L-5
        scale.backward([z], [true], [y]);
        bn.forward([x], [y]);
        const p = precisionOf("float32", backend.supports);
        const g = geometryOf(SHAPE);
        const problem = { x: values, g, eps: Math.fround(1e-5), affine: null };
        done.push(check("top of a good call", await y.read(), forwardTruth(p, problem, batchStats(p, values, g)), g));
        return done;
      } finally {
        await other.dispose();
      }
    });
  return { id, group: "errors", clause: row.clause, needs: row.needs ?? {}, run };
}

/** Codes are compared, not classes: two copies of core may be installed. */
function expectError({ code, message }: ErrorRow, desk: Desk, call: () => unknown): void {
  const expected = typeof message === "string" ? message : message(desk);
  let error: unknown;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  if (!(error instanceof Error)) throw new Error(`nothing was thrown, expected ${code}: ${expected}`);
  const got = (error as Error & { code?: unknown }).code;
  if (got !== code) throw new Error(`code ${String(got)}, expected ${code}; message: ${error.message}`);
  if (error.message !== expected) throw new Error(`message "${error.message}", expected "${expected}"`);
}
