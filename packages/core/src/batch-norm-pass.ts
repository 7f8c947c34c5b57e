import type { Affine, Average, DeviceBuffer, Geometry, Running } from "./backend.ts";
import type { BatchNormState } from "./batch-norm-state.ts";
import type { ForwardPass } from "./last-forward.ts";
import { acquire, createMemory, type Memory, type Want, want } from "./memory.ts";
import { buffersOf, type Pass, versionsOf } from "./pass.ts";
import { countWrites, stampOf, stampsOf } from "./stamps.ts";

/** A forward of BatchNorm or BatchNormScale, ready to be queued any number of times. */
export interface BatchNormForward extends ForwardPass {
  readonly useGlobalStats: boolean;
  /** The copy of bottom that an in-place layer keeps where its backward reads it. */
  readonly saved: Memory | null;
  /** Operands; null where there are no values. */
  readonly work: {
    readonly x: DeviceBuffer;
    readonly y: DeviceBuffer;
    readonly running: Running<DeviceBuffer>;
    readonly affine: Affine<DeviceBuffer> | null;
    readonly average: Average<DeviceBuffer> | null;
  } | null;
}

export interface BatchNormBackward extends Pass {
  readonly forward: BatchNormForward;
  readonly down: boolean;
  readonly work: {
    readonly dy: DeviceBuffer;
    readonly x: DeviceBuffer;
    readonly dx: DeviceBuffer | null;
    readonly affine: Affine<DeviceBuffer> | null;
    readonly grad: Affine<DeviceBuffer> | null;
  } | null;
}

/** How a forward gets and keeps its statistics. */
export interface Mode {
  readonly useGlobalStats: boolean;
  readonly updateStats: boolean;
  readonly fraction: number;
}

/** Gets all memory of a forward, gives top its shape, and collects the operands. `saved` is the layer's from before. */
export function prepareForward(
  state: BatchNormState,
  g: Geometry,
  { useGlobalStats, updateStats, fraction }: Mode,
  x: Memory,
  y: Memory,
  saved: Memory | null,
): BatchNormForward {
  const { backend, dtype, params } = state;
  const inPlace = x === y;
  const readsX = !useGlobalStats || params.length > 3; // BN-11 needs no x
  const copy = inPlace && readsX ? (saved ?? createMemory(backend, x.shape, dtype, null)) : null;
  const some = x.count > 0;
  const wants: Want[] = [want(x, some ? "data" : "none")];
  if (!inPlace) wants.push(want(y, some ? "data" : "none", x.shape));
  if (some && copy) wants.push(want(copy, "data", x.shape));
  if (some) wants.push(...params.map((memory) => want(memory, "data")));
  acquire(backend, dtype, wants, some ? g : null);

  const [mean, variance, factor, gamma, beta] = params.map(({ data }) => data as DeviceBuffer);
  const running = { mean, variance, factor } as Running<DeviceBuffer>;
  const m = g.outer * g.inner;
  const average = useGlobalStats || !updateStats ? null : { running, fraction, correction: m > 1 ? m / (m - 1) : 1 };
  const affine = gamma ? { gamma, beta: beta ?? null } : null;
  const source = inPlace || !readsX || !some ? null : x.data;
  const blobs = inPlace ? [x, ...params] : [x, y, ...params];
  const watched = copy ? [...blobs, copy] : blobs;
  return {
    backend,
    dtype,
    bottoms: [x],
    top: y,
    geometry: g,
    shape: x.shape,
    useGlobalStats,
    saved: copy,
    source,
    gamma: gamma ?? null,
    read: [source && stampOf(source)],
    written: some ? stampsOf([y.data, ...(average ? [mean, variance, factor] : [])]) : [],
    watched,
    versions: versionsOf(watched),
    buffers: buffersOf(blobs),
    work: some ? { x: x.data as DeviceBuffer, y: y.data as DeviceBuffer, running, affine, average } : null,
  };
}

export function runForward(pass: BatchNormForward, { channels, stats }: BatchNormState, eps: number): void {
  const { backend, geometry, saved, work } = pass;
  if (work === null) return;
  const { kernels } = backend;
  const { y, running, affine, average } = work;
  let { x } = work;
  if (saved !== null) {
    const copy = saved.data as DeviceBuffer;
    kernels.copy(saved.count, x, copy);
    x = copy;
  }
  if (pass.useGlobalStats) {
    kernels.globalStats(channels, running, stats);
    kernels.normalize(x, geometry, stats, eps, affine, y);
  } else if (kernels.forward) {
    kernels.forward(x, geometry, stats, average, eps, affine, y);
  } else {
    kernels.moments(x, geometry, stats);
    if (average) kernels.movingAverage(channels, stats, average);
    kernels.normalize(x, geometry, stats, eps, affine, y);
  }
}

/** Gets all memory of a backward and collects the operands. */
export function prepareBackward(
  { backend, dtype, params }: BatchNormState,
  forward: BatchNormForward,
  down: boolean,
  x: Memory,
  y: Memory,
): BatchNormBackward {
  const [gamma, beta] = params.slice(3);
  const some = x.count > 0 && (down || gamma !== undefined);
  const inPlace = x === y;
  if (some) {
    const wants = inPlace ? [want(x, "both")] : [want(x, down ? "both" : "data"), want(y, "diff")];
    if (gamma) wants.push(want(gamma, "both"));
    if (beta) wants.push(want(beta, "both"));
    acquire(backend, dtype, wants, forward.geometry);
  }
  const affine = gamma ? { gamma: gamma.data as DeviceBuffer, beta: (beta?.data as DeviceBuffer) ?? null } : null;
  const grad = gamma ? { gamma: gamma.diff as DeviceBuffer, beta: (beta?.diff as DeviceBuffer) ?? null } : null;
  const work = some
    ? {
        dy: y.diff as DeviceBuffer,
        x: (forward.saved ?? x).data as DeviceBuffer,
        dx: down ? x.diff : null,
        affine,
        grad,
      }
    : null;
  const blobs = inPlace ? [x, ...params] : [x, y, ...params];
  const watched = forward.saved ? [...blobs, forward.saved] : blobs;
  return {
    backend,
    dtype,
    bottoms: [x],
    top: y,
    geometry: forward.geometry,
    forward,
    down,
    written: stampsOf([work?.dx, grad?.gamma, grad?.beta]),
    watched,
    versions: versionsOf(watched),
    buffers: buffersOf(blobs),
    work,
  };
}

export function runBackward(pass: BatchNormBackward, { stats, sums }: BatchNormState, eps: number): void {
  const { backend, geometry: g, forward, work } = pass;
  if (work === null) return;
  const { kernels } = backend;
  const { dy, x, dx, affine, grad } = work;
  countWrites(pass.written);
  const m = g.outer * g.inner;
  if (forward.useGlobalStats) {
    if (grad) kernels.gradSums(dy, x, g, stats, eps, sums, grad);
    if (dx) kernels.gradNormalize(dy, x, g, stats, eps, affine, null, m, dx);
  } else if (dx && kernels.backward) {
    kernels.backward(dy, x, g, stats, eps, affine, sums, grad, m, dx);
  } else {
    kernels.gradSums(dy, x, g, stats, eps, sums, grad);
    if (dx) kernels.gradNormalize(dy, x, g, stats, eps, affine, sums, m, dx);
  }
}
