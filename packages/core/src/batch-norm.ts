import type { Average, DeviceBuffer, Geometry } from "./backend.ts";
import {
  type AffineParams,
  type BatchNormParams,
  type BatchNormScaleParams,
  type BatchNormSettings,
  settingsOf,
} from "./batch-norm-params.ts";
import { type BatchNormState, createState } from "./batch-norm-state.ts";
import type { Blob } from "./blob.ts";
import { checkLastForward, type LastForward, NO_GEOMETRY, sameGeometry } from "./last-forward.ts";
import {
  checkBlobs,
  checkParamShapes,
  checkPropagateDown,
  type Fail,
  failFor,
  fitTop,
  type Layer,
  NO_BLOBS,
} from "./layer.ts";
import { createSavedInput } from "./saved-input.ts";
import { canonicalAxis, countOf, geometryOf, type Shape, shapeText } from "./shape.ts";

/**
 * Caffe's BatchNorm layer: each channel to mean 0 and variance 1.
 *
 * Math    y = (x - mean) / sqrt(variance + eps), with the batch's biased moments, or the stored ones where
 *         `useGlobalStats`. `blobs` hold decayed sums [mean, variance * m/(m-1)] and the sum of weights [factor]:
 *         blobs[0] / blobs[2] is the average. Backward: dx = (dy - mean(dy) - mean(dy * y) * y) / sqrt(variance + eps);
 *         with stored statistics dx = dy / sqrt(variance + eps).
 * Shapes  bottom and top [N, C, ...], any rank from 1 (one channel); blobs [C], [C], [1].
 * In place allowed (top[0] === bottom[0]); with batch statistics it then keeps a copy of bottom for backward.
 * Errors  `ERR_BN_PARAM`: eps or movingAverageFraction out of range; `ERR_BN_SHAPE`: channels changed, no axis of
 *         channels, an empty batch without stored statistics; `ERR_BN_STATE`: calls out of order.
 * Source  Caffe batch_norm_layer.cpp; docs/spec.md BN-1 to BN-12, derivation in docs/batch-norm.md.
 *
 * @example
 * ```ts
 * import { createBatchNorm, createBlob } from "@bn/core";
 * import { createCpu } from "@bn/cpu";
 * const cpu = await createCpu();
 * const [x, y] = [createBlob(cpu, [4, 1]), createBlob(cpu)];
 * const layer = createBatchNorm({ eps: 0 });
 * x.write([1, 2, 3, 6]);
 * layer.setUp([x], [y]);
 * layer.forward([x], [y]);
 * console.log(await layer.blobs[0]!.read()); // Float32Array(1) [ 3 ]
 * console.log(await y.read()); // Float32Array(4) [ -1.069, -0.535, 0, 1.604 ]
 * ```
 */
export function createBatchNorm(params: BatchNormParams = {}): Layer {
  return new BatchNormLayer("BatchNorm", params, null);
}

/**
 * BatchNorm and the Scale after it in one pass over memory: y = gamma * x^ + beta.
 *
 * `blobs` are those of the two layers in order: [mean, variance, factor, gamma] and [beta] with `biasTerm`. Pass
 * `blobs: [...batchNorm.blobs, ...scale.blobs]` to share the state of two separate layers, or the reverse. Gradients of
 * gamma and beta add into `blobs[3].diff` and `blobs[4].diff`. Otherwise as `createBatchNorm`.
 *
 * Source: Caffe batch_norm_layer.cpp, scale_layer.cpp; docs/spec.md BS-1 to BS-3.
 */
export function createBatchNormScale(params: BatchNormScaleParams = {}): Layer {
  return new BatchNormLayer("BatchNormScale", params, params);
}

class BatchNormLayer implements Layer {
  readonly type: string;
  readonly name: string;
  readonly #fail: Fail;
  readonly #settings: BatchNormSettings;
  readonly #given: readonly Blob[] | undefined;
  readonly #saved = createSavedInput();
  #state: BatchNormState | null = null;
  #owned: Disposable[] = [];
  #geometry = NO_GEOMETRY;
  #geometryShape: Shape | null = null;
  #geometryOfShape = NO_GEOMETRY;
  #average: Average<DeviceBuffer> | null = null;
  #last: LastForward | null = null;
  #disposed = false;

  constructor(type: string, params: BatchNormParams, scale: AffineParams | null) {
    this.type = type;
    this.name = params.name ?? "";
    this.#fail = failFor(type, this.name);
    this.#settings = settingsOf(this.#fail, params, scale);
    this.#given = params.blobs;
  }

  get blobs(): readonly Blob[] {
    return this.#state?.blobs ?? NO_BLOBS;
  }

  setUp(bottom: readonly Blob[], top: readonly Blob[]): void {
    this.#checkAlive("setUp");
    checkBlobs(this.#fail, "setUp", 1, bottom, top, this.#given ?? NO_BLOBS);
    const x = bottom[0] as Blob;
    const geometry = this.#geometryFor("setUp", x);
    const { channels } = geometry;
    if (channels === 0)
      this.#fail("setUp", `bottom[0] has 0 channels (shape ${shapeText(x.shape)}), expected at least 1`);
    const shapes = [[channels], [channels], [1]];
    const { affine } = this.#settings;
    if (affine) shapes.push([channels]);
    if (affine && affine.beta !== null) shapes.push([channels]);
    if (this.#given) checkParamShapes(this.#fail, this.#given, shapes);

    const owned: Disposable[] = [];
    try {
      const state = createState(x, channels, shapes, this.#given, affine, owned);
      this.#release();
      this.#owned = owned;
      this.#state = state;
    } catch (error) {
      for (const resource of owned) resource[Symbol.dispose]();
      throw error;
    }
    this.#geometry = NO_GEOMETRY;
    this.#commit(geometry, x, top[0] as Blob);
  }

  reshape(bottom: readonly Blob[], top: readonly Blob[]): void {
    this.#prepare("reshape", bottom, top);
  }

  forward(bottom: readonly Blob[], top: readonly Blob[]): void {
    const { backend, stats, running, affine, channels } = this.#prepare("forward", bottom, top);
    const { kernels } = backend;
    const g = this.#geometry;
    const { eps, useGlobalStats } = this.#settings;
    const average = this.#average;
    const x = bottom[0] as Blob;
    const y = top[0] as Blob;
    const inPlace = x === y;
    this.#last = null; // memory may end below: then there is nothing to go back from
    if (countOf(x.shape) > 0) {
      // an empty batch is allowed with global statistics alone: BN-9
      const keep = inPlace && (!useGlobalStats || affine !== null); // BN-11 needs no x
      const source = (keep ? this.#saved.save(x) : x).data;
      const target = y.data;
      if (useGlobalStats) {
        kernels.globalStats(channels, running, stats);
        kernels.normalize(source, g, stats, eps, affine, target);
      } else if (kernels.forward) {
        kernels.forward(source, g, stats, average, eps, affine, target);
      } else {
        kernels.moments(source, g, stats);
        if (average) kernels.movingAverage(channels, stats, average);
        kernels.normalize(source, g, stats, eps, affine, target);
      }
    }
    this.#last = { geometry: g, inPlace };
  }

  backward(top: readonly Blob[], propagateDown: readonly boolean[], bottom: readonly Blob[]): void {
    const { backend, stats, sums, affine, grad } = this.#checkCall("backward", bottom, top);
    checkPropagateDown(this.#fail, propagateDown, 1);
    const x = bottom[0] as Blob;
    const y = top[0] as Blob;
    const g = this.#geometryFor("backward", x);
    const inPlace = x === y;
    checkLastForward(this.#fail, this.#last, g, inPlace, x, y);
    const down = propagateDown[0] === true;
    const { eps, useGlobalStats } = this.#settings;
    if (x.count() === 0 || !(down || affine)) return;

    const { kernels } = backend;
    const dy = y.diff;
    if (useGlobalStats) {
      if (grad) kernels.gradSums(dy, this.#input(x, inPlace), g, stats, eps, sums, grad);
      if (down) kernels.gradNormalize(dy, x.data, g, stats, eps, affine, null, 1, x.diff);
      return;
    }
    const source = this.#input(x, inPlace);
    const m = g.outer * g.inner;
    if (down && kernels.backward) {
      kernels.backward(dy, source, g, stats, eps, affine, sums, grad, m, x.diff);
      return;
    }
    kernels.gradSums(dy, source, g, stats, eps, sums, grad);
    if (down) kernels.gradNormalize(dy, source, g, stats, eps, affine, sums, m, x.diff);
  }

  clearParamDiffs(): void {
    this.#checkAlive("clearParamDiffs");
    // Statistics have no gradient: only gamma and beta do.
    for (const blob of this.blobs.slice(3)) blob.backend.kernels.fill(blob.count(), 0, blob.diff);
  }

  dispose(): void {
    this.#disposed = true;
    this.#release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #release(): void {
    for (const resource of this.#owned) resource[Symbol.dispose]();
    this.#owned = [];
    this.#saved.dispose();
    this.#state = null;
    this.#last = null;
  }

  #input(x: Blob, inPlace: boolean): DeviceBuffer {
    return (inPlace ? (this.#saved.blob as Blob) : x).data;
  }

  /** [outer][channels][inner] of a bottom; one channel where there is but one axis: BN-1. */
  #geometryFor(method: string, x: Blob): Geometry {
    const { shape } = x;
    if (shape === this.#geometryShape) return this.#geometryOfShape; // shapes are frozen, so identity tells
    if (shape.length === 0) {
      this.#fail(method, "bottom[0] has no axes (a scalar), expected at least 1; reshape it to [1]");
    }
    const where = this.name === "" ? `${this.type} ${method}` : `${this.type} "${this.name}" ${method}`;
    const oneChannel = shape.length === 1 && this.#settings.axis === 1;
    const axis = oneChannel ? 1 : canonicalAxis(where, shape, this.#settings.axis);
    this.#geometryOfShape = geometryOf(oneChannel ? [...shape, 1] : shape, axis, axis + 1);
    this.#geometryShape = shape;
    return this.#geometryOfShape;
  }

  #checkAlive(method: string): void {
    if (this.#disposed) this.#fail(method, "the layer was disposed; create a new one", "ERR_BN_DISPOSED");
  }

  #checkCall(method: string, bottom: readonly Blob[], top: readonly Blob[]): BatchNormState {
    this.#checkAlive(method);
    const state = this.#state ?? this.#fail(method, "the layer is not set up; call setUp() first", "ERR_BN_STATE");
    checkBlobs(this.#fail, method, 1, bottom, top, state.blobs);
    return state;
  }

  #prepare(method: string, bottom: readonly Blob[], top: readonly Blob[]): BatchNormState {
    const state = this.#checkCall(method, bottom, top);
    const x = bottom[0] as Blob;
    const geometry = this.#geometryFor(method, x);
    if (geometry.channels !== state.channels) {
      this.#fail(
        method,
        `bottom[0] has ${geometry.channels} channels (shape ${shapeText(x.shape)}), expected ${state.channels}; call setUp() again`,
      );
    }
    if (!this.#settings.useGlobalStats && geometry.outer * geometry.inner === 0) {
      this.#fail(
        method,
        `bottom[0] is empty (shape ${shapeText(x.shape)}): a batch without values has no statistics; leave it out, or use global statistics`,
      );
    }
    this.#commit(geometry, x, top[0] as Blob);
    return state;
  }

  /** The only place that changes shapes; everything was checked before. */
  #commit(geometry: Geometry, x: Blob, y: Blob): void {
    fitTop(x, y);
    if (sameGeometry(geometry, this.#geometry)) return;
    this.#geometry = geometry;
    const m = geometry.outer * geometry.inner;
    const { running } = this.#state as BatchNormState;
    const { useGlobalStats, updateStats, fraction } = this.#settings;
    this.#average = useGlobalStats || !updateStats ? null : { running, fraction, correction: m > 1 ? m / (m - 1) : 1 };
  }
}
