import type { Geometry, HostArray } from "./backend.ts";
import { type BatchNormParams, type BatchNormScaleParams, settingsOf } from "./batch-norm-params.ts";
import {
  type BatchNormBackward,
  type BatchNormForward,
  prepareBackward,
  prepareForward,
  renewForward,
  runBackward,
  runForward,
} from "./batch-norm-pass.ts";
import { batchNormGeometry, readStored } from "./batch-norm-reading.ts";
import { type BatchNormState, createState, namesOf, shapesOf } from "./batch-norm-state.ts";
import type { Blob } from "./blob.ts";
import { checkCall, checkGivenShapes, checkKeptShapes, checkNotReplaced, checkPropagateDown } from "./checks.ts";
import { checkSameForward, checkUntouched, type LastForward, noForward, remember } from "./last-forward.ts";
import { type BatchNormLayer, type Fail, failFor, NO_BLOBS, type Phase, whereOf } from "./layer.ts";
import { BATCH_NORM_RULES } from "./layer-rules.ts";
import type { BlobName, LayerState, LoadableState } from "./layer-state.ts";
import { freeBuffers, type Memory, memoryOf, setShape } from "./memory.ts";
import { nameOf, readOptions } from "./options.ts";
import { isCurrent } from "./pass.ts";
import { type Member, memberOf } from "./ranks/member.ts";
import { type Shape, shapeText } from "./shape.ts";
import { createStateKeeper, type StateKeeper } from "./state-keeper.ts";

/**
 * Caffe's BatchNorm layer: normalizes each channel to mean 0 and variance 1.
 *
 * Math    y = (x - mean) / sqrt(variance + eps), with the batch's biased moments, or the stored ones where
 *         `useGlobalStats`. `blobs` hold decayed sums [mean, variance * m/(m-1)] and the sum of weights [factor]:
 *         blobs[0] / blobs[2] is the average. Backward: dx = (dy - mean(dy) - mean(dy * y) * y) / sqrt(variance + eps);
 *         with stored statistics dx = dy / sqrt(variance + eps).
 * Shapes  bottom and top [N, C, ...], any rank from 1 (one channel); blobs [C], [C], [1].
 * In place allowed (top[0] === bottom[0]); with batch statistics the layer then keeps a copy of bottom for backward.
 * Ranks   with a `communicator` the batch is that of all ranks, and every rank makes the same calls.
 * Errors  `ERR_BN_PARAM`: an option is unknown or out of range, or a call has the same blob twice; `ERR_BN_SHAPE`:
 *         channels or `blobs` changed, there is no axis of channels, or a batch is empty and no statistics are
 *         stored; `ERR_BN_STATE`: calls out of order, or a backward of other blobs than the last forward's;
 *         `ERR_BN_MEMORY`, `ERR_BN_SYNC` (ranks out of step), after which nothing has changed.
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
 * console.log(await layer.mean(), await layer.variance()); // Float32Array(1) [ 3 ] Float32Array(1) [ 4.667 ]
 * console.log(await y.read()); // Float32Array(4) [ -1.069, -0.535, 0, 1.604 ]
 * ```
 */
export function createBatchNorm(params: BatchNormParams = {}): BatchNormLayer {
  return new NormLayer("BatchNorm", params, false);
}

/**
 * BatchNorm and the Scale after it in one pass over memory: y = gamma * x^ + beta.
 *
 * `blobs` are those of the two layers in order: [mean, variance, factor, gamma], and [beta] with `biasTerm`. Pass
 * `blobs: [...batchNorm.blobs, ...scale.blobs]` to share the state of two separate layers, or the reverse. Gradients of
 * gamma and beta are added to the diffs of `layer.gamma` and `layer.beta`. Everything else is as in `createBatchNorm`.
 *
 * Source: Caffe batch_norm_layer.cpp, scale_layer.cpp; docs/spec.md BS-1 to BS-3.
 */
export function createBatchNormScale(params: BatchNormScaleParams = {}): BatchNormLayer {
  return new NormLayer("BatchNormScale", params, true);
}

class NormLayer implements BatchNormLayer {
  readonly type: "BatchNorm" | "BatchNormScale";
  readonly name: string;
  readonly #fail: Fail;
  readonly #settings: ReturnType<typeof settingsOf>;
  // A field of its own, undefined until the constructor sets it. V8 then keeps the number as an object and passes that
  // to kernels; from a field that has only ever held numbers it makes a new object for each call.
  readonly #eps: number;
  readonly #names: readonly BlobName[];
  readonly #given: readonly Blob[] | null;
  readonly #member: Member | null;
  readonly #keeper: StateKeeper;
  readonly #last: LastForward<BatchNormForward> = noForward();
  #phase: Phase;
  #updateStats: boolean;
  #state: BatchNormState | null = null;
  #saved: Memory | null = null;
  #forward: BatchNormForward | null = null;
  #backward: BatchNormBackward | null = null;
  #disposed = false;

  constructor(type: "BatchNorm" | "BatchNormScale", params: BatchNormScaleParams, scaled: boolean) {
    this.type = type;
    this.name = nameOf(params);
    this.#fail = failFor(type, this.name);
    this.#settings = settingsOf(whereOf(type, this.name, "create"), params, scaled);
    this.#eps = this.#settings.eps;
    this.#names = namesOf(this.#settings.affine);
    this.#given = this.#settings.blobs && Object.freeze([...this.#settings.blobs]);
    this.#member = memberOf(type, this.name, this.#settings, this.#fail);
    this.#keeper = createStateKeeper(type, this.name);
    this.#phase = this.#settings.phase;
    this.#updateStats = this.#settings.updateStats;
  }

  get blobs(): readonly Blob[] {
    return this.#state?.blobs ?? NO_BLOBS;
  }

  get gamma(): Blob | null {
    return this.blobs[3] ?? null;
  }

  get beta(): Blob | null {
    return this.blobs[4] ?? null;
  }

  get phase(): Phase {
    return this.#phase;
  }

  set phase(phase: Phase) {
    this.#phase = this.#checked("phase", phase);
    this.#forward = null;
  }

  get updateStats(): boolean {
    return this.#updateStats;
  }

  set updateStats(updateStats: boolean) {
    this.#updateStats = this.#checked("updateStats", updateStats);
    this.#forward = null;
  }

  setUp(bottom: readonly Blob[], top: readonly Blob[]): void {
    this.#checkAlive("setUp");
    const given = this.#given?.map((blob) => memoryOf(blob) as Memory);
    checkCall(this.#fail, "setUp", 1, bottom, top, given ?? []);
    if (this.#state && !given) checkNotReplaced(this.#fail, bottom, top, this.#state.params);
    const x = memoryOf(bottom[0]) as Memory;
    const { channels } = this.#geometryFor("setUp", x.shape);
    if (channels === 0)
      this.#fail("setUp", `bottom[0] has 0 channels (shape ${shapeText(x.shape)}), expected at least 1`);
    const shapes = shapesOf(channels, this.#names);
    if (given) checkGivenShapes(this.#fail, given, shapes);
    const loads = this.#keeper.loadsFor(this.#names, shapes, x.dtype);

    const state = createState(x, channels, shapes, this.#given, this.#settings.affine, this.#member); // the last thing that can fail
    this.#release();
    this.#state = state;
    this.#keeper.apply(state.params, loads);
    setShape(memoryOf(top[0]) as Memory, x.shape);
  }

  reshape(bottom: readonly Blob[], top: readonly Blob[]): void {
    this.#checkShapes("reshape", bottom, top);
    setShape(memoryOf(top[0]) as Memory, (memoryOf(bottom[0]) as Memory).shape);
  }

  forward(bottom: readonly Blob[], top: readonly Blob[]): void {
    let pass = this.#forward;
    if (pass !== null && isCurrent(pass, bottom, top)) renewForward(pass, this.#state as BatchNormState);
    else pass = this.#prepareForward(bottom, top);
    runForward(pass, this.#state as BatchNormState, this.#eps);
    remember(this.#last, pass);
  }

  backward(top: readonly Blob[], propagateDown: readonly boolean[], bottom: readonly Blob[]): void {
    let pass = this.#backward;
    const down = Array.isArray(propagateDown) && propagateDown.length === 1 ? propagateDown[0] : null;
    const again = pass !== null && pass.forward === this.#last.pass && pass.down === down;
    if (pass !== null && again && isCurrent(pass, bottom, top)) {
      checkUntouched(this.#fail, this.#last, pass.forward);
      if (pass.work !== null) pass.backend.reserve?.(pass.dtype, pass.geometry);
    } else {
      pass = this.#prepareBackward(top, propagateDown, bottom);
    }
    runBackward(pass, this.#state as BatchNormState, this.#eps);
  }

  clearParamDiffs(): void {
    this.#checkAlive("clearParamDiffs");
    this.#keeper.clearDiffs(this.#state);
  }

  state(): Promise<LayerState> {
    this.#checkAlive("state");
    return this.#keeper.read(this.#names, this.#state);
  }

  load(state: LoadableState): void {
    this.#checkAlive("load");
    this.#keeper.load(state, this.#names, this.#state);
  }

  mean(): Promise<HostArray> {
    return this.#stored("mean", 0);
  }

  variance(): Promise<HostArray> {
    return this.#stored("variance", 1);
  }

  dispose(): void {
    this.#disposed = true;
    this.#release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #release(): void {
    for (const resource of this.#state?.owned ?? []) resource[Symbol.dispose]();
    if (this.#saved) freeBuffers(this.#saved);
    this.#saved = null;
    this.#state = null;
    this.#forward = null;
    this.#backward = null;
    this.#last.pass = null;
  }

  #checkAlive(method: string): void {
    if (this.#disposed) this.#fail(method, "the layer was disposed; create a new one", "ERR_BN_DISPOSED");
  }

  #checked<T>(option: "phase" | "updateStats", value: T): T {
    readOptions(whereOf(this.type, this.name, "set"), { [option]: value ?? null }, BATCH_NORM_RULES);
    return value;
  }

  #useGlobalStats(): boolean {
    return this.#settings.useGlobalStats ?? this.#phase === "test";
  }

  /** The check that every call but setUp makes first. */
  #checkSetUp(method: string): BatchNormState {
    this.#checkAlive(method);
    return this.#state ?? this.#fail(method, "the layer is not set up; call setUp() first", "ERR_BN_STATE");
  }

  #checkBlobs(method: string, bottom: readonly Blob[], top: readonly Blob[]): BatchNormState {
    const state = this.#checkSetUp(method);
    checkCall(this.#fail, method, 1, bottom, top, state.params);
    checkKeptShapes(this.#fail, method, state.params, state.shapes);
    return state;
  }

  #checkShapes(method: string, bottom: readonly Blob[], top: readonly Blob[]): Geometry {
    const { channels } = this.#checkBlobs(method, bottom, top);
    const { shape } = memoryOf(bottom[0]) as Memory;
    const geometry = this.#geometryFor(method, shape);
    if (geometry.channels !== channels) {
      this.#fail(
        method,
        `bottom[0] has ${geometry.channels} channels (shape ${shapeText(shape)}), expected ${channels}; call setUp() again`,
      );
    }
    if (!this.#useGlobalStats() && geometry.outer * geometry.inner === 0 && this.#member === null) {
      this.#fail(
        method,
        `bottom[0] is empty (shape ${shapeText(shape)}): a batch without values has no statistics; skip it, or use global statistics`,
      );
    }
    return geometry;
  }

  #prepareForward(bottom: readonly Blob[], top: readonly Blob[]): BatchNormForward {
    const geometry = this.#checkShapes("forward", bottom, top);
    const { fraction } = this.#settings;
    const mode = { useGlobalStats: this.#useGlobalStats(), updateStats: this.#updateStats, fraction };
    const [x, y] = [memoryOf(bottom[0]) as Memory, memoryOf(top[0]) as Memory];
    const pass = prepareForward(this.#state as BatchNormState, geometry, mode, x, y, this.#saved);
    this.#saved = pass.saved ?? this.#saved;
    this.#forward = pass;
    return pass;
  }

  #prepareBackward(top: readonly Blob[], down: readonly boolean[], bottom: readonly Blob[]): BatchNormBackward {
    const state = this.#checkBlobs("backward", bottom, top);
    checkPropagateDown(this.#fail, down, 1);
    const [x, y] = [memoryOf(bottom[0]) as Memory, memoryOf(top[0]) as Memory];
    const forward = checkSameForward(this.#fail, this.#last, [x], y, state.params[3]?.data ?? null);
    this.#backward = prepareBackward(state, forward, down[0] === true, x, y);
    return this.#backward;
  }

  #geometryFor(method: string, shape: Shape): Geometry {
    return batchNormGeometry(whereOf(this.type, this.name, method), shape, this.#settings.axis);
  }

  #stored(method: string, part: 0 | 1): Promise<HostArray> {
    const { dtype } = this.#checkSetUp(method);
    return readStored(dtype, this.blobs[part] as Blob, this.blobs[2] as Blob);
  }
}
