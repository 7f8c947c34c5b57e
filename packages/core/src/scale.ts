import type { Backend, Dtype, Geometry } from "./backend.ts";
import { type Blob, createBlob } from "./blob.ts";
import {
  checkCall,
  checkGivenShapes,
  checkKeptShapes,
  checkNotReplaced,
  checkPropagateDown,
  checkSameHome,
} from "./checks.ts";
import { type Filler, fillerValue } from "./filler.ts";
import { checkSameForward, checkUntouched, type LastForward, noForward, remember } from "./last-forward.ts";
import { type Fail, failFor, type Layer, type LayerParams, NO_BLOBS, whereOf } from "./layer.ts";
import { ELSEWHERE, SCALE_RULES } from "./layer-rules.ts";
import type { BlobName, LayerState, LoadableState } from "./layer-state.ts";
import { acquire, fill, freeBuffers, type Memory, memoryOf, setShape, want } from "./memory.ts";
import { nameOf, readOptions } from "./options.ts";
import { isCurrent } from "./pass.ts";
import { scaleGeometry, scaleShape } from "./scale-geometry.ts";
import {
  prepareBackward,
  prepareForward,
  runBackward,
  runForward,
  type ScaleBackward,
  type ScaleForward,
  type ScaleOperands,
} from "./scale-pass.ts";
import { countOf, type Shape, shapeText } from "./shape.ts";
import { createStateKeeper, type StateKeeper } from "./state-keeper.ts";

/** ScaleParameter of caffe.proto. */
export interface ScaleParams extends LayerParams {
  /** First axis of bottom[0] that the scale covers; negative from the end. Default 1. */
  axis?: number;
  /**
   * The number of axes that the scale covers: -1 for all up to the end, 0 for a single number. Default 1. Ignored with
   * two bottoms.
   */
  numAxes?: number;
  /** The initial value of the scale. Default 1; an empty filler gives 0. */
  filler?: Filler;
  /** Learn a bias too. Default false. */
  biasTerm?: boolean;
  /** The initial value of the bias. Default 0. */
  biasFiller?: Filler;
}

/**
 * Caffe's Scale layer: y = x * scale + bias, both broadcast over the axes that they do not cover.
 *
 * Math    y = x * scale [+ bias]; backward dx = dy * scale, dscale = sum dy * x, dbias = sum dy over the other axes.
 * Shapes  bottom[0] any; the scale bottom[0].shape[axis .. axis + numAxes), or bottom[1] (then it is not learnt and its
 *         diff is overwritten). blobs: [scale] and [bias] with `biasTerm`; only [bias] with two bottoms. Diffs of
 *         learnt blobs accumulate, always: docs/caffe-differences.md, D-4.
 * In place allowed (top[0] === bottom[0]); the layer then keeps a copy of bottom[0] for backward.
 * Errors  `ERR_BN_PARAM`: an option is unknown or out of range, or a call has the same blob twice; `ERR_BN_SHAPE`: the
 *         scale extends past bottom[0], or does not match it; `ERR_BN_STATE`: calls out of order, or a backward of
 *         other blobs than the last forward's; `ERR_BN_MEMORY`, after which nothing has changed.
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
 * layer.gamma!.write([10, 100]);
 * layer.beta!.write([1, 2]);
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
  readonly names: readonly BlobName[];
  readonly blobs: readonly Blob[];
  readonly params: readonly Memory[];
  readonly shapes: readonly Shape[];
  readonly owned: readonly Blob[];
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
  readonly #given: readonly Blob[] | null;
  readonly #keeper: StateKeeper;
  readonly #last: LastForward<ScaleForward> = noForward();
  #state: State | null = null;
  #saved: Memory | null = null;
  #forward: ScaleForward | null = null;
  #backward: ScaleBackward | null = null;
  #disposed = false;

  constructor(params: ScaleParams) {
    this.name = nameOf(params);
    this.#fail = failFor(this.type, this.name);
    const given = readOptions(whereOf(this.type, this.name, "create"), params, SCALE_RULES, ELSEWHERE);
    this.#axis = given.axis ?? 1;
    this.#numAxes = given.numAxes ?? 1;
    this.#biasTerm = given.biasTerm ?? false;
    this.#scaleValue = fillerValue(given.filler, 1);
    this.#biasValue = fillerValue(given.biasFiller, 0);
    this.#given = given.blobs ? Object.freeze([...given.blobs]) : null;
    this.#keeper = createStateKeeper(this.type, this.name);
  }

  get blobs(): readonly Blob[] {
    return this.#state?.blobs ?? NO_BLOBS;
  }

  get gamma(): Blob | null {
    return this.#blob("gamma");
  }

  get beta(): Blob | null {
    return this.#blob("beta");
  }

  setUp(bottom: readonly Blob[], top: readonly Blob[]): void {
    this.#checkAlive("setUp");
    const given = this.#given?.map((blob) => memoryOf(blob) as Memory);
    checkCall(this.#fail, "setUp", 2, bottom, top, given ?? []);
    if (this.#state && !given) checkNotReplaced(this.#fail, bottom, top, this.#state.params);
    const x = memoryOf(bottom[0]) as Memory;
    const where = whereOf(this.type, this.name, "setUp");
    const shape = memoryOf(bottom[1])?.shape ?? scaleShape(where, x.shape, this.#axis, this.#numAxes);
    scaleGeometry(where, x.shape, shape, this.#axis, bottom.length === 2);
    if (countOf(shape) === 0)
      this.#fail("setUp", `the scale's shape ${shapeText(shape)} is empty; give bottom[0] a shape without 0 there`);
    const learnt: readonly BlobName[] = bottom.length === 1 ? ["gamma"] : [];
    const names: readonly BlobName[] = this.#biasTerm ? [...learnt, "beta"] : learnt;
    const shapes = names.map(() => shape);
    if (given) checkGivenShapes(this.#fail, given, shapes);
    const loads = this.#keeper.loadsFor(names, shapes, x.dtype);

    const state = this.#createState(x, bottom.length, names, shapes); // the last thing that can fail
    this.#release();
    this.#state = state;
    this.#keeper.apply(state.params, loads);
    setShape(memoryOf(top[0]) as Memory, x.shape);
  }

  reshape(bottom: readonly Blob[], top: readonly Blob[]): void {
    this.#geometryOf("reshape", this.#operands("reshape", bottom, top));
    setShape(memoryOf(top[0]) as Memory, (memoryOf(bottom[0]) as Memory).shape);
  }

  forward(bottom: readonly Blob[], top: readonly Blob[]): void {
    let pass = this.#forward;
    if (pass !== null && isCurrent(pass, bottom, top)) {
      if (pass.work !== null) pass.backend.reserve?.(pass.dtype, pass.geometry);
    } else {
      const operands = this.#operands("forward", bottom, top);
      pass = prepareForward(operands, this.#geometryOf("forward", operands), this.#saved);
      this.#saved = pass.saved ?? this.#saved;
      this.#forward = pass;
    }
    runForward(pass);
    remember(this.#last, pass);
  }

  backward(top: readonly Blob[], propagateDown: readonly boolean[], bottom: readonly Blob[]): void {
    let pass = this.#backward;
    const again = pass !== null && pass.forward === this.#last.pass && sameFlags(pass.down, propagateDown);
    if (pass !== null && again && isCurrent(pass, bottom, top)) {
      checkUntouched(this.#fail, this.#last, pass.forward);
      if (pass.work !== null) pass.backend.reserve?.(pass.dtype, pass.geometry);
    } else {
      const operands = this.#operands("backward", bottom, top);
      checkPropagateDown(this.#fail, propagateDown, operands.bottoms.length);
      const { bottoms, gamma } = operands;
      const forward = checkSameForward(this.#fail, this.#last, bottoms, operands.top, gamma.data);
      pass = prepareBackward(operands, forward, propagateDown);
      this.#backward = pass;
    }
    runBackward(pass);
  }

  clearParamDiffs(): void {
    this.#checkAlive("clearParamDiffs");
    this.#keeper.clearDiffs(this.#state);
  }

  state(): Promise<LayerState> {
    this.#checkAlive("state");
    return this.#keeper.read(this.#state?.names ?? [], this.#state);
  }

  load(state: LoadableState): void {
    this.#checkAlive("load");
    this.#keeper.load(state, this.#state?.names ?? null, this.#state);
  }

  dispose(): void {
    this.#disposed = true;
    this.#release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #blob(name: BlobName): Blob | null {
    const state = this.#state;
    return state?.blobs[state.names.indexOf(name)] ?? null;
  }

  #release(): void {
    for (const blob of this.#state?.owned ?? []) blob.dispose();
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

  /** The layer's blobs, either given or new and filled. If memory runs out, none are created. */
  #createState(x: Memory, bottoms: number, names: readonly BlobName[], shapes: readonly Shape[]): State {
    const { backend, dtype } = x;
    const owned = this.#given ? [] : shapes.map((shape) => createBlob(backend, shape, dtype));
    const blobs = Object.freeze([...(this.#given ?? owned)]);
    const params = blobs.map((blob) => memoryOf(blob) as Memory);
    const wants = params.map((memory) => want(memory, "data"));
    acquire(backend, dtype, wants, null);
    if (owned.length > 0) {
      for (const [i, name] of names.entries()) fill(params[i], name === "gamma" ? this.#scaleValue : this.#biasValue);
    }
    return { backend, dtype, bottoms, names, blobs, params, shapes, owned };
  }

  /** Returns the blobs of a call after checking them. */
  #operands(method: string, bottom: readonly Blob[], top: readonly Blob[]): ScaleOperands {
    this.#checkAlive(method);
    const state = this.#state ?? this.#fail(method, "the layer is not set up; call setUp() first", "ERR_BN_STATE");
    checkCall(this.#fail, method, 2, bottom, top, state.params);
    if (bottom.length !== state.bottoms) {
      this.#fail(
        method,
        `${bottom.length} bottom blobs, setUp() saw ${state.bottoms}; call setUp() again`,
        "ERR_BN_STATE",
      );
    }
    const { backend, dtype, params, names } = state;
    const bottoms = bottom.map((blob) => memoryOf(blob) as Memory);
    checkSameHome(this.#fail, method, bottoms[0] as Memory, state);
    checkKeptShapes(this.#fail, method, params, state.shapes);
    const gamma = (bottoms[1] ?? params[0]) as Memory;
    const bias = params[names.indexOf("beta")] ?? null;
    return { backend, dtype, bottoms, top: memoryOf(top[0]) as Memory, gamma, bias };
  }

  #geometryOf(method: string, { bottoms, gamma, bias }: ScaleOperands): Geometry {
    const { shape } = bottoms[0] as Memory;
    const where = whereOf(this.type, this.name, method);
    if (bias && countOf(gamma.shape) !== bias.count) {
      this.#fail(
        method,
        `bottom[1] has shape ${shapeText(gamma.shape)}, the bias ${shapeText(bias.shape)}; call setUp() again`,
      );
    }
    return scaleGeometry(where, shape, gamma.shape, this.#axis, bottoms.length === 2);
  }
}

function sameFlags(down: readonly boolean[], given: readonly boolean[]): boolean {
  if (!Array.isArray(given) || given.length !== down.length) return false;
  for (let i = 0; i < down.length; i++) if (given[i] !== down[i]) return false;
  return true;
}
