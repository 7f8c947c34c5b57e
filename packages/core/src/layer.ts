import type { Backend, Dtype } from "./backend.ts";
import type { Blob } from "./blob.ts";
import { BnError, type BnErrorCode } from "./errors.ts";
import { type Shape, sameShape, shapeText } from "./shape.ts";

/** What decides, as in Caffe, whether a layer that is not told otherwise uses batch or global statistics. */
export type Phase = "train" | "test";

/**
 * Caffe's Layer. Argument errors throw at the call, before any state changes; results are there when `blob.read()`
 * resolves. `top[0] === bottom[0]` makes a layer work in place.
 *
 * Source: Caffe layer.hpp; docs/spec.md L-1 to L-7.
 */
export interface Layer extends Disposable {
  readonly type: string;
  readonly name: string;
  /** Persistent state in Caffe's order; empty before `setUp`. Blobs passed as a parameter stay their creator's. */
  readonly blobs: readonly Blob[];
  /** Checks parameters against bottom, creates `blobs` unless they were given, and reshapes top. */
  setUp(bottom: readonly Blob[], top: readonly Blob[]): void;
  /** Fits top and scratch to bottom's shape. The number of channels may not change. */
  reshape(bottom: readonly Blob[], top: readonly Blob[]): void;
  /** Queues top.data from bottom.data; reshapes first, as Caffe does. */
  forward(bottom: readonly Blob[], top: readonly Blob[]): void;
  /**
   * Queues bottom[i].diff, where propagateDown[i], from top.diff; gradients of learnt `blobs` add into their diffs.
   * Bottom's data must be what `forward` saw unless the layer works in place; top's data may have been overwritten.
   */
  backward(top: readonly Blob[], propagateDown: readonly boolean[], bottom: readonly Blob[]): void;
  /** Sets the diffs of all `blobs` to zero (Net::ClearParamDiffs). */
  clearParamDiffs(): void;
  /** Frees what the layer created. Twice does no harm; bottom, top and given blobs are not touched. */
  dispose(): void;
}

/** What every layer's parameters share. */
export interface LayerParams {
  /** Stands in every error message. */
  name?: string;
  /** The layer's state, shared with another layer of the same backend: its creator disposes it. */
  blobs?: readonly Blob[];
}

export const NO_BLOBS: readonly Blob[] = [];

/** Throws `code` as `Type "name" method: what`. */
export type Fail = (method: string, what: string, code?: BnErrorCode) => never;

export function failFor(type: string, name: string): Fail {
  const label = name === "" ? type : `${type} "${name}"`;
  return (method, what, code = "ERR_BN_SHAPE") => {
    throw new BnError(code, `${label} ${method}: ${what}`);
  };
}

/** Numbers of bottoms and tops, disposal, and one backend and dtype for all (layer.hpp:345-380). */
export function checkBlobs(
  fail: Fail,
  method: string,
  maxBottoms: number,
  bottom: readonly Blob[],
  top: readonly Blob[],
  blobs: readonly Blob[],
): void {
  if (bottom.length < 1 || bottom.length > maxBottoms) {
    fail(method, `${bottom.length} bottom blobs, expected ${maxBottoms === 1 ? "1" : `1 to ${maxBottoms}`}`);
  }
  if (top.length !== 1) fail(method, `${top.length} top blobs, expected 1`);
  const first = bottom[0] as Blob;
  checkAlike(fail, method, "bottom", bottom, first);
  checkAlike(fail, method, "top", top, first);
  checkAlike(fail, method, "blobs", blobs, first);
}

// Runs at every call of every layer: text is made only for an error.
function checkAlike(fail: Fail, method: string, kind: string, list: readonly Blob[], first: Blob): void {
  for (let i = 0; i < list.length; i++) {
    const blob = list[i] as Blob;
    if (!blob.disposed && blob.backend === first.backend && blob.dtype === first.dtype) continue;
    const label = `${kind}[${i}] (shape ${shapeText(blob.shape)})`;
    if (blob.disposed) {
      const which = blob.backend.disposed ? `: its backend "${blob.backend.name}" was disposed` : " was disposed";
      fail(method, `${label}${which}; create a new one`, "ERR_BN_DISPOSED");
    }
    if (blob.backend !== first.backend) {
      const other = blob.backend.name === first.backend.name ? "another instance of it" : `"${first.backend.name}"`;
      fail(
        method,
        `${label} lives on backend "${blob.backend.name}", bottom[0] on ${other}; read() it and write() it to a blob of that backend`,
        "ERR_BN_BACKEND",
      );
    }
    fail(method, `${label} is ${blob.dtype}, bottom[0] is ${first.dtype}; give all blobs one dtype`, "ERR_BN_BACKEND");
  }
}

/** A layer stays on the backend and in the dtype that setUp saw. */
export function checkSameHome(fail: Fail, method: string, x: Blob, home: { backend: Backend; dtype: Dtype }): void {
  if (x.backend === home.backend && x.dtype === home.dtype) return;
  fail(
    method,
    `bottom[0] is ${x.dtype} on backend "${x.backend.name}", setUp() saw ${home.dtype} on "${home.backend.name}"; call setUp() again`,
    "ERR_BN_BACKEND",
  );
}

/** Every layer's top has bottom's shape. */
export function fitTop(x: Blob, y: Blob): void {
  if (!sameShape(x.shape, y.shape)) y.reshape(x.shape);
}

/** propagateDown has an entry a bottom. */
export function checkPropagateDown(fail: Fail, propagateDown: readonly boolean[], bottoms: number): void {
  if (propagateDown.length !== bottoms) {
    fail(
      "backward",
      `propagateDown has ${propagateDown.length} entries, expected ${bottoms}, one a bottom`,
      "ERR_BN_PARAM",
    );
  }
}

/** The shapes of the blobs that a layer was given or made (net.cpp:752-759). */
export function checkParamShapes(fail: Fail, blobs: readonly Blob[], shapes: readonly Shape[]): void {
  if (blobs.length !== shapes.length) {
    fail(
      "setUp",
      `blobs holds ${blobs.length}, expected ${shapes.length} of shapes ${shapes.map(shapeText).join(", ")}; pass those of a layer with the same parameters`,
    );
  }
  for (const [i, shape] of shapes.entries()) {
    const got = (blobs[i] as Blob).shape;
    if (!sameShape(got, shape)) {
      fail("setUp", `blobs[${i}] has shape ${shapeText(got)}, expected ${shapeText(shape)}; reshape() it or bottom[0]`);
    }
  }
}
