import { affineOf } from "./affine.ts";
import type { Affine, Backend, DeviceBuffer, Dtype, Geometry } from "./backend.ts";
import { type Blob, createBlob } from "./blob.ts";
import { type Filler, fillBlob, fillerValue } from "./filler.ts";
import { checkLastForward, type LastForward, NO_GEOMETRY } from "./last-forward.ts";
import {
  checkBlobs,
  checkParamShapes,
  checkPropagateDown,
  checkSameHome,
  type Fail,
  failFor,
  fitTop,
  type Layer,
  type LayerParams,
  NO_BLOBS,
} from "./layer.ts";
import { createSavedInput } from "./saved-input.ts";
import { canonicalAxis, countOf, type Shape, sameShape, shapeText } from "./shape.ts";

/** ScaleParameter of caffe.proto. */
export interface ScaleParams extends LayerParams {
  /** First axis of bottom[0] that the scale covers; negative from the end. Default 1. */
  axis?: number;
  /** Number of axes it covers: -1 to the end, 0 a single number. Default 1. Ignored with two bottoms. */
  numAxes?: number;
  /** The scale's first value. Default 1; an empty filler gives 0. */
  filler?: Filler;
  /** Learn a bias too. Default false. */
  biasTerm?: boolean;
  /** The bias's first value. Default 0. */
  biasFiller?: Filler;
}

/**
 * Caffe's Scale layer: y = x * scale + bias, both broadcast over the axes that they do not cover.
 *
 * Math    y = x * scale [+ bias]; backward dx = dy * scale, dscale = sum dy * x, dbias = sum dy over the other axes.
 * Shapes  bottom[0] any; the scale bottom[0].shape[axis .. axis + numAxes), or bottom[1] (then it is not learnt and its
 *         diff is overwritten). blobs: [scale] and [bias] with `biasTerm`; only [bias] with two bottoms. Diffs of
 *         learnt blobs accumulate, always: docs/caffe-differences.md, D-4.
 * In place allowed (top[0] === bottom[0]); it then keeps a copy of bottom[0] for backward.
 * Errors  `ERR_BN_PARAM`: numAxes < -1, unknown filler; `ERR_BN_SHAPE`: the scale extends past bottom[0], or does not
 *         match it; `ERR_BN_STATE`: calls out of order.
 * Source  Caffe scale_layer.cpp, bias_layer.cpp; docs/spec.md S-1 to S-8.
 *
 * @example
 * ```ts
 * import { createBlob, createScale } from "@bn/core";
 * import { createCpu } from "@bn/cpu";
 * const cpu = await createCpu();
 * const [x, y] = [createBlob(cpu, [1, 2, 2]), createBlob(cpu)];
 * const layer = createScale({ biasTerm: true });
 * x.write([1, 2, 3, 4]);
 * layer.setUp([x], [y]);
 * layer.blobs[0]!.write([10, 100]);
 * layer.blobs[1]!.write([1, 2]);
 * layer.forward([x], [y]);
 * console.log(await y.read()); // Float32Array(4) [ 11, 21, 302, 402 ]
 * ```
 */
export function createScale(params: ScaleParams = {}): Layer {
  return new ScaleLayer(params);
}

interface State {
  readonly backend: Backend;
  readonly dtype: Dtype;
  readonly bottoms: number;
  readonly blobs: readonly Blob[];
  readonly bias: Blob | null;
  /** The learnt scale and the bias; null with two bottoms. */
  readonly affine: Affine<DeviceBuffer> | null;
}

class ScaleLayer implements Layer {
  readonly type = "Scale";
  readonly name: string;
  readonly #fail: Fail;
  readonly #axis: number;
  readonly #numAxes: number;
  readonly #biasTerm: boolean;
  readonly #scaleValue: number;
  readonly #biasValue: number;
  readonly #given: readonly Blob[] | undefined;
  readonly #saved = createSavedInput();
  #state: State | null = null;
  #owned: Blob[] = [];
  #geometry = NO_GEOMETRY;
  /** The shapes that #geometry was made from: shapes are frozen, so identity tells. */
  #geometryOf: readonly [Shape | null, Shape | null] = [null, null];
  #last: LastForward | null = null;
  #disposed = false;

  constructor(params: ScaleParams) {
    const { name = "", axis = 1, numAxes = 1, biasTerm = false } = params;
    this.name = name;
    this.#fail = failFor(this.type, name);
    if (!Number.isInteger(axis)) this.#fail("create", `axis is ${axis}, expected a whole number`, "ERR_BN_PARAM");
    if (!Number.isInteger(numAxes) || numAxes < -1) {
      this.#fail(
        "create",
        `numAxes is ${numAxes}, expected a whole number >= 0, or -1 for all axes to the end`,
        "ERR_BN_PARAM",
      );
    }
    this.#axis = axis;
    this.#numAxes = numAxes;
    this.#biasTerm = biasTerm;
    this.#scaleValue = fillerValue(this.#fail, "filler", params.filler, 1);
    this.#biasValue = fillerValue(this.#fail, "biasFiller", params.biasFiller, 0);
    this.#given = params.blobs;
  }

  get blobs(): readonly Blob[] {
    return this.#state?.blobs ?? NO_BLOBS;
  }

  setUp(bottom: readonly Blob[], top: readonly Blob[]): void {
    this.#checkAlive("setUp");
    checkBlobs(this.#fail, "setUp", 2, bottom, top, this.#given ?? NO_BLOBS);
    const x = bottom[0] as Blob;
    this.#checkTwoBottoms("setUp", bottom, top);
    const shape = bottom[1]?.shape ?? this.#scaleShape(x.shape);
    this.#geometryFor("setUp", x, { shape });
    if (countOf(shape) === 0)
      this.#fail("setUp", `the scale's shape ${shapeText(shape)} is empty; give bottom[0] a shape without 0 there`);
    const shapes = bottom.length === 1 ? [shape] : [];
    if (this.#biasTerm) shapes.push(shape);
    if (this.#given) checkParamShapes(this.#fail, this.#given, shapes);

    const owned = this.#given ? [] : shapes.map((s) => createBlob(x.backend, s, x.dtype));
    const blobs = Object.freeze([...(this.#given ?? owned)]);
    const bias = this.#biasTerm ? (blobs[blobs.length - 1] as Blob) : null;
    try {
      for (const blob of owned) fillBlob(blob, blob === bias ? this.#biasValue : this.#scaleValue);
    } catch (error) {
      for (const blob of owned) blob.dispose();
      throw error;
    }
    this.#release();
    this.#owned = owned;
    const affine = bottom.length === 1 ? affineOf(blobs[0] as Blob, bias, "data") : null;
    this.#state = { backend: x.backend, dtype: x.dtype, bottoms: bottom.length, blobs, bias, affine };
    fitTop(x, top[0] as Blob);
  }

  reshape(bottom: readonly Blob[], top: readonly Blob[]): void {
    const state = this.#checkCall("reshape", bottom, top);
    this.#geometryFor("reshape", bottom[0] as Blob, scaleOf(state, bottom));
    fitTop(bottom[0] as Blob, top[0] as Blob);
  }

  forward(bottom: readonly Blob[], top: readonly Blob[]): void {
    const state = this.#checkCall("forward", bottom, top);
    const x = bottom[0] as Blob;
    const y = top[0] as Blob;
    const gamma = scaleOf(state, bottom);
    const geometry = this.#geometryFor("forward", x, gamma);
    fitTop(x, y);
    const inPlace = x === y;
    this.#last = null; // memory may end below: then there is nothing to go back from
    if (countOf(x.shape) > 0) {
      const source = (inPlace ? this.#saved.save(x) : x).data;
      state.backend.kernels.scale(source, geometry, state.affine ?? affineOf(gamma, state.bias, "data"), y.data);
    }
    this.#last = { geometry, inPlace };
  }

  backward(top: readonly Blob[], propagateDown: readonly boolean[], bottom: readonly Blob[]): void {
    const state = this.#checkCall("backward", bottom, top);
    checkPropagateDown(this.#fail, propagateDown, state.bottoms);
    const x = bottom[0] as Blob;
    const y = top[0] as Blob;
    const gamma = scaleOf(state, bottom);
    const geometry = this.#geometryFor("backward", x, gamma);
    const inPlace = x === y;
    checkLastForward(this.#fail, this.#last, geometry, inPlace, x, y);

    const { kernels } = state.backend;
    const learnt = state.bottoms === 1;
    const wanted = learnt || propagateDown[1] === true;
    if (!learnt && wanted) kernels.fill(countOf(gamma.shape), 0, gamma.diff); // bottom[1].diff is overwritten: S-7
    if (countOf(x.shape) === 0) return;

    const dy = y.diff;
    if (wanted || state.bias) {
      const source = inPlace ? (this.#saved.blob as Blob) : x;
      kernels.scaleSums(dy, source.data, geometry, wanted ? gamma.diff : null, state.bias?.diff ?? null);
    }
    if (propagateDown[0]) kernels.scale(dy, geometry, { gamma: gamma.data, beta: null }, x.diff);
  }

  clearParamDiffs(): void {
    this.#checkAlive("clearParamDiffs");
    for (const blob of this.blobs) blob.backend.kernels.fill(blob.count(), 0, blob.diff);
  }

  dispose(): void {
    this.#disposed = true;
    this.#release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #release(): void {
    for (const blob of this.#owned) blob.dispose();
    this.#owned = [];
    this.#saved.dispose();
    this.#state = null;
    this.#last = null;
  }

  #checkAlive(method: string): void {
    if (this.#disposed) this.#fail(method, "the layer was disposed; create a new one", "ERR_BN_DISPOSED");
  }

  #checkCall(method: string, bottom: readonly Blob[], top: readonly Blob[]): State {
    this.#checkAlive(method);
    const state = this.#state ?? this.#fail(method, "the layer is not set up; call setUp() first", "ERR_BN_STATE");
    checkBlobs(this.#fail, method, 2, bottom, top, state.blobs);
    if (bottom.length !== state.bottoms) {
      this.#fail(
        method,
        `${bottom.length} bottom blobs, setUp() saw ${state.bottoms}; call setUp() again`,
        "ERR_BN_STATE",
      );
    }
    checkSameHome(this.#fail, method, bottom[0] as Blob, state);
    this.#checkTwoBottoms(method, bottom, top);
    return state;
  }

  #checkTwoBottoms(method: string, bottom: readonly Blob[], top: readonly Blob[]): void {
    const scale = bottom[1];
    if (scale !== undefined && (scale === bottom[0] || scale === top[0])) {
      const other = scale === bottom[0] ? "bottom[0]" : "top[0]";
      this.#fail(method, `bottom[1] is ${other}, expected a blob of its own; copy it first`, "ERR_BN_PARAM");
    }
  }

  /** Shape of the learnt scale: axes [axis, axis + numAxes) of bottom[0] (scale_layer.cpp:18-35). */
  #scaleShape(shape: Shape): Shape {
    const start = canonicalAxis(this.#where("setUp"), shape, this.#axis);
    if (this.#numAxes === 0) return [];
    if (this.#numAxes === -1) return shape.slice(start);
    if (start + this.#numAxes > shape.length) {
      this.#fail(
        "setUp",
        `the scale extends past bottom[0]: axis ${start} and numAxes ${this.#numAxes} need ${start + this.#numAxes} axes, shape ${shapeText(shape)} has ${shape.length}`,
      );
    }
    return shape.slice(start, start + this.#numAxes);
  }

  /** bottom[0] as [outer][the scale's count][inner] (scale_layer.cpp:78-100). A scalar's axis does not matter. */
  #geometryFor(method: string, x: Blob, gamma: { readonly shape: Shape }): Geometry {
    if (this.#geometryOf[0] === x.shape && this.#geometryOf[1] === gamma.shape) return this.#geometry;
    const shape = x.shape;
    const covered = gamma.shape.length;
    const start = covered === 0 ? 0 : canonicalAxis(this.#where(method), shape, this.#axis);
    if (start + covered > shape.length) {
      this.#fail(
        method,
        `the scale (shape ${shapeText(gamma.shape)}) extends past bottom[0] (shape ${shapeText(shape)}) from axis ${start}`,
      );
    }
    if (!sameShape(shape.slice(start, start + covered), gamma.shape)) {
      this.#fail(
        method,
        `the scale has shape ${shapeText(gamma.shape)}, bottom[0] (shape ${shapeText(shape)}) has ${shapeText(shape.slice(start, start + covered))} from axis ${start}; call setUp() again`,
      );
    }
    const inner = countOf(shape, start + covered);
    this.#geometry = { outer: countOf(shape, 0, start), channels: countOf(gamma.shape), inner };
    this.#geometryOf = [shape, gamma.shape];
    return this.#geometry;
  }

  #where(method: string): string {
    return this.name === "" ? `${this.type} ${method}` : `${this.type} "${this.name}" ${method}`;
  }
}

function scaleOf(state: State, bottom: readonly Blob[]): Blob {
  return (state.bottoms === 2 ? bottom[1] : state.blobs[0]) as Blob;
}
