import type { Affine, Backend, DeviceBuffer, Dtype, Geometry } from "./backend.ts";
import type { ForwardPass } from "./last-forward.ts";
import { acquire, createMemory, type Memory, type Want, want } from "./memory.ts";
import { buffersOf, type Pass, versionsOf } from "./pass.ts";
import { countWrites, stampOf, stampsOf } from "./stamps.ts";

/** The blobs of one call of a Scale. */
export interface ScaleOperands {
  readonly backend: Backend;
  readonly dtype: Dtype;
  /** bottom[0], and bottom[1] if it is the scale. */
  readonly bottoms: readonly Memory[];
  readonly top: Memory;
  readonly gamma: Memory;
  readonly bias: Memory | null;
}

export interface ScaleForward extends ForwardPass {
  /** The copy of bottom that an in-place layer keeps for its backward. */
  readonly saved: Memory | null;
  readonly work: { readonly x: DeviceBuffer; readonly y: DeviceBuffer; readonly affine: Affine<DeviceBuffer> } | null;
}

export interface ScaleBackward extends Pass {
  readonly forward: ScaleForward;
  readonly down: readonly boolean[];
  /** bottom[1]'s diff, which is overwritten (S-7), and its length. */
  readonly cleared: { readonly diff: DeviceBuffer; readonly count: number } | null;
  readonly work: {
    readonly dy: DeviceBuffer;
    readonly x: DeviceBuffer;
    readonly dx: DeviceBuffer | null;
    readonly affine: Affine<DeviceBuffer>;
    readonly dGamma: DeviceBuffer | null;
    readonly dBeta: DeviceBuffer | null;
  } | null;
}

/**
 * Gets all memory of a forward, gives top its shape, and collects the operands. `kept` is the copy that the layer
 * already has.
 */
export function prepareForward(of: ScaleOperands, g: Geometry, kept: Memory | null): ScaleForward {
  const { backend, dtype, bottoms, top, gamma, bias } = of;
  const x = bottoms[0] as Memory;
  const inPlace = x === top;
  const some = x.count > 0;
  const saved = inPlace && some ? (kept ?? createMemory(backend, x.shape, dtype, null)) : null;
  const part = some ? "data" : "none";
  const wants: Want[] = [want(x, part), want(gamma, part)];
  if (!inPlace) wants.push(want(top, part, x.shape));
  if (bias) wants.push(want(bias, part));
  if (saved) wants.push(want(saved, part, x.shape));
  acquire(backend, dtype, wants, some ? g : null);

  const affine = { gamma: gamma.data as DeviceBuffer, beta: bias?.data ?? null };
  const work = some ? { x: x.data as DeviceBuffer, y: top.data as DeviceBuffer, affine } : null;
  const source = inPlace || !some ? null : x.data;
  const blobs = blobsOf(of);
  const watched = saved ? [...blobs, saved] : blobs;
  return {
    backend,
    dtype,
    bottoms,
    top,
    geometry: g,
    shape: x.shape,
    saved,
    source,
    gamma: gamma.data,
    read: [source && stampOf(source), bottoms.length === 2 && gamma.data ? stampOf(gamma.data) : null],
    written: stampsOf([work?.y]),
    watched,
    versions: versionsOf(watched),
    buffers: buffersOf(blobs),
    work,
  };
}

export function runForward({ backend, geometry, saved, work }: ScaleForward): void {
  if (work === null) return;
  const { kernels } = backend;
  let { x } = work;
  if (saved !== null) {
    const copy = saved.data as DeviceBuffer;
    kernels.copy(saved.count, x, copy);
    x = copy;
  }
  kernels.scale(x, geometry, work.affine, work.y);
}

/** Gets all memory of a backward and collects the operands. */
export function prepareBackward(of: ScaleOperands, forward: ScaleForward, down: readonly boolean[]): ScaleBackward {
  const { backend, dtype, bottoms, top, gamma, bias } = of;
  const x = bottoms[0] as Memory;
  const inPlace = x === top;
  const some = x.count > 0;
  const learnt = bottoms.length === 1;
  const wanted = learnt || down[1] === true;
  const wants: Want[] = [];
  if (some) {
    if (inPlace) wants.push(want(x, "both"));
    else wants.push(want(x, down[0] ? "both" : "data"), want(top, "diff"));
    if (bias) wants.push(want(bias, "both"));
  }
  if (some || wanted) wants.push(want(gamma, wanted ? "both" : "data"));
  acquire(backend, dtype, wants, some ? forward.geometry : null);

  const work = some
    ? {
        dy: top.diff as DeviceBuffer,
        x: (forward.saved ?? x).data as DeviceBuffer,
        dx: down[0] ? x.diff : null,
        affine: { gamma: gamma.data as DeviceBuffer, beta: null },
        dGamma: wanted ? gamma.diff : null,
        dBeta: bias?.diff ?? null,
      }
    : null;
  const cleared = !learnt && wanted ? { diff: gamma.diff as DeviceBuffer, count: gamma.count } : null;
  const blobs = blobsOf(of);
  const watched = forward.saved ? [...blobs, forward.saved] : blobs;
  return {
    backend,
    dtype,
    bottoms,
    top,
    geometry: forward.geometry,
    forward,
    down: [...down],
    cleared,
    written: stampsOf([work?.dx, work?.dGamma, work?.dBeta, cleared?.diff]),
    watched,
    versions: versionsOf(watched),
    buffers: buffersOf(blobs),
    work,
  };
}

export function runBackward({ backend, geometry, cleared, written, work }: ScaleBackward): void {
  const { kernels } = backend;
  countWrites(written);
  if (cleared !== null) kernels.fill(cleared.count, 0, cleared.diff);
  if (work === null) return;
  const { dy, x, dx, affine, dGamma, dBeta } = work;
  if (dGamma !== null || dBeta !== null) kernels.scaleSums(dy, x, geometry, dGamma, dBeta);
  if (dx !== null) kernels.scale(dy, geometry, affine, dx);
}

/** Lists each blob once: in place, top is bottom[0], and with two bottoms the scale is bottom[1]. */
function blobsOf({ bottoms, top, gamma, bias }: ScaleOperands): readonly Memory[] {
  return [...new Set([...bottoms, top, gamma, bias])].filter((memory) => memory !== null);
}
