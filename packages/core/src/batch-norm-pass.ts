import type { Affine, Average, DeviceBuffer, Geometry, Running } from "./backend.ts";
import type { BatchNormState } from "./batch-norm-state.ts";
import type { ForwardPass } from "./last-forward.ts";
import { acquire, createMemory, type Memory, type Want, want } from "./memory.ts";
import { buffersOf, type Pass, versionsOf } from "./pass.ts";
import { addInto, type Ranks } from "./ranks/ranks.ts";
import { countWrites, stampOf, stampsOf } from "./stamps.ts";

/** A forward of BatchNorm or BatchNormScale, ready to be queued any number of times. */
export interface BatchNormForward extends ForwardPass {
  readonly useGlobalStats: boolean;
  /** The copy of bottom that an in-place layer keeps where its backward reads it. */
  readonly saved: Memory | null;
  /** The operands, with x and y if there are any values; null if there is nothing to do. */
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
  /** Whether this is a collective call, which all ranks must make. */
  readonly gathers: boolean;
  readonly work: {
    readonly dy: DeviceBuffer;
    readonly x: DeviceBuffer;
    readonly dx: DeviceBuffer | null;
    readonly affine: Affine<DeviceBuffer> | null;
    readonly grad: Affine<DeviceBuffer> | null;
  } | null;
}

/** How a forward gets its statistics and whether it stores them. */
export interface Mode {
  readonly useGlobalStats: boolean;
  readonly updateStats: boolean;
  readonly fraction: number;
}

/**
 * Gets all memory of a forward, gives top its shape, and collects the operands. `saved` is the copy that the layer
 * already has.
 */
export function prepareForward(
  state: BatchNormState,
  g: Geometry,
  { useGlobalStats, updateStats, fraction }: Mode,
  x: Memory,
  y: Memory,
  saved: Memory | null,
): BatchNormForward {
  const { backend, dtype, params } = state;
  const ranks = useGlobalStats ? null : state.ranks;
  const inPlace = x === y;
  const readsX = !useGlobalStats || params.length > 3; // with stored statistics, BN-11 does not read x
  const copy = inPlace && readsX ? (saved ?? createMemory(backend, x.shape, dtype, null)) : null;
  const some = x.count > 0;
  const own = some || ranks !== null ? params.map((memory) => want(memory, "data")) : [];
  const wants: Want[] = [want(x, some ? "data" : "none"), ...own];
  if (!inPlace) wants.push(want(y, some ? "data" : "none", x.shape));
  if (some && copy) wants.push(want(copy, "data", x.shape));
  acquire(backend, dtype, wants, some ? g : ranks && ONE(g), (dataOf) => {
    if (ranks === null) return;
    const data = wants.map((_, i) => dataOf(i));
    ranks.gatherMoments(some ? (data[0] ?? null) : null, g, updateStats ? runningOf(data.slice(1)) : null);
  });

  const [, , , gamma, beta] = params.map(({ data }) => data as DeviceBuffer);
  const running = runningOf(params.map(({ data }) => data));
  const average =
    useGlobalStats || !updateStats ? null : { running, fraction, correction: unbiased(g.outer * g.inner) };
  const affine = gamma ? { gamma, beta: beta ?? null } : null;
  const source = inPlace || !readsX || !some ? null : x.data;
  const blobs = inPlace ? [x, ...params] : [x, y, ...params];
  const watched = copy ? [...blobs, copy] : blobs;
  const written = [some ? y.data : null, ...(average ? Object.values(running) : [])];
  return {
    backend,
    dtype,
    bottoms: [x],
    top: y,
    geometry: g,
    shape: x.shape,
    useGlobalStats,
    saved: some ? copy : null,
    source,
    gamma: gamma ?? null,
    read: [source && stampOf(source)],
    written: own.length > 0 ? stampsOf(written) : [],
    watched,
    versions: versionsOf(watched),
    buffers: buffersOf(blobs),
    work: own.length > 0 ? { x: x.data as DeviceBuffer, y: y.data as DeviceBuffer, running, affine, average } : null,
  };
}

/** The geometry of kernels that run over channels alone, for a rank that has no values. */
const ONE = ({ channels }: Geometry): Geometry => ({ outer: 1, channels, inner: 1 });
const unbiased = (m: number): number => (m > 1 ? m / (m - 1) : 1);

function runningOf([mean, variance, factor]: readonly (DeviceBuffer | null)[]): Running<DeviceBuffer> {
  return { mean, variance, factor } as Running<DeviceBuffer>;
}

/** Prepares a forward that equals the last one. If this throws, nothing has changed. */
export function renewForward(pass: BatchNormForward, { ranks }: BatchNormState): void {
  const { backend, dtype, geometry, useGlobalStats, work } = pass;
  const some = geometry.outer * geometry.inner > 0;
  backend.reserve?.(dtype, some ? geometry : ONE(geometry));
  if (ranks === null || useGlobalStats || work === null) return;
  ranks.gatherMoments(some ? work.x : null, geometry, work.average?.running ?? null);
}

export function runForward(pass: BatchNormForward, { channels, stats, ranks }: BatchNormState, eps: number): void {
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
  } else if (ranks !== null) {
    ranks.applyMoments(stats);
    if (average) kernels.movingAverage(channels, stats, { ...average, correction: unbiased(ranks.count) });
    if (geometry.outer * geometry.inner > 0) kernels.normalize(x, geometry, stats, eps, affine, y);
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
  { backend, dtype, params, ranks }: BatchNormState,
  forward: BatchNormForward,
  down: boolean,
  x: Memory,
  y: Memory,
): BatchNormBackward {
  const [gamma, beta] = params.slice(3);
  const gathers = gathersSums(ranks, forward, gamma !== undefined);
  const some = x.count > 0;
  const works = gathers || (some && (down || gamma !== undefined));
  const inPlace = x === y;
  if (works) {
    const wants: Want[] = [];
    if (some) wants.push(...(inPlace ? [want(x, "both")] : [want(x, down ? "both" : "data"), want(y, "diff")]));
    if (gamma) wants.push(want(gamma, "both"));
    if (beta) wants.push(want(beta, "both"));
    acquire(backend, dtype, wants, some ? forward.geometry : null);
  }
  const affine = gamma ? { gamma: gamma.data as DeviceBuffer, beta: (beta?.data as DeviceBuffer) ?? null } : null;
  const grad = gamma ? { gamma: gamma.diff as DeviceBuffer, beta: (beta?.diff as DeviceBuffer) ?? null } : null;
  const work = works
    ? {
        dy: y.diff as DeviceBuffer,
        x: (forward.saved ?? x).data as DeviceBuffer,
        dx: some && down ? x.diff : null,
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
    gathers,
    written: stampsOf([work?.dx, grad?.gamma, grad?.beta]),
    watched,
    versions: versionsOf(watched),
    buffers: buffersOf(blobs),
    work,
  };
}

/** Whether a backward is a collective call, which all ranks must make. */
function gathersSums(ranks: Ranks | null, { useGlobalStats }: BatchNormForward, learns: boolean): boolean {
  return ranks !== null && (!useGlobalStats || (learns && ranks.globalGradients));
}

export function runBackward(pass: BatchNormBackward, state: BatchNormState, eps: number): void {
  const { backend, geometry: g, forward, work } = pass;
  if (work === null) return;
  if (pass.gathers && state.ranks !== null) {
    runGathered(pass, work, state, state.ranks, eps);
    return;
  }
  const { stats, sums } = state;
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

/**
 * Runs the backward with the sums of all ranks between its two kernels. Nothing changes before those sums have arrived.
 */
function runGathered(
  { backend, geometry: g, forward, written }: BatchNormBackward,
  { dy, x, dx, affine, grad }: NonNullable<BatchNormBackward["work"]>,
  { channels, stats, sums }: BatchNormState,
  ranks: Ranks,
  eps: number,
): void {
  const { kernels } = backend;
  const some = g.outer * g.inner > 0;
  if (some) kernels.gradSums(dy, x, g, stats, eps, sums, null);
  const { own, total } = ranks.gatherSums(some ? sums : null, forward.useGlobalStats);
  countWrites(written);
  const gradients = ranks.globalGradients ? total : own;
  if (grad) addInto(grad.gamma, gradients, channels, channels);
  if (grad?.beta) addInto(grad.beta, gradients, 0, channels);
  if (dx === null) return;
  if (!forward.useGlobalStats) ranks.applySums(sums);
  kernels.gradNormalize(dy, x, g, stats, eps, affine, forward.useGlobalStats ? null : sums, ranks.count, dx);
}
