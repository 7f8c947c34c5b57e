import type { DeviceBuffer } from "./backend.ts";
import type { Fail } from "./layer.ts";
import type { Memory } from "./memory.ts";
import type { Pass } from "./pass.ts";
import { type Shape, sameShape, shapeText } from "./shape.ts";
import { countWrites, type Stamp } from "./stamps.ts";

/** The facts about a forward that its backward needs. */
export interface ForwardPass extends Pass {
  /** The shape of bottom[0] at the time of the forward. */
  readonly shape: Shape;
  /** The data buffer of bottom[0], if the backward reads it again, as it does out of place. */
  readonly source: DeviceBuffer | null;
  /** The data buffer of the scale, if the backward reads it. */
  readonly gamma: DeviceBuffer | null;
  /** The stamps of the buffers of bottom[0] and bottom[1] that backward reads again. */
  readonly read: readonly (Stamp | null)[];
}

/** The last forward of a layer. It is changed in place, so that a forward allocates nothing. */
export interface LastForward<P extends ForwardPass> {
  pass: P | null;
  /** How often the buffers of `read` had been written at the time of the forward. */
  writes: number;
  scaleWrites: number;
  faults: number | undefined;
}

export function noForward<P extends ForwardPass>(): LastForward<P> {
  return { pass: null, writes: 0, scaleWrites: 0, faults: undefined };
}

/** Must be called last in a forward. */
export function remember<P extends ForwardPass>(last: LastForward<P>, pass: P): void {
  last.pass = pass;
  countWrites(pass.written);
  last.writes = pass.read[0]?.writes ?? 0;
  last.scaleWrites = pass.read[1]?.writes ?? 0;
  last.faults = pass.backend.faults;
}

/**
 * Checks that backward continues the last forward: it has the same blobs, and the data that it reads is unchanged
 * (L-5).
 */
export function checkSameForward<P extends ForwardPass>(
  fail: Fail,
  last: LastForward<P>,
  bottoms: readonly Memory[],
  top: Memory,
  gamma: DeviceBuffer | null,
): P {
  const { pass } = last;
  const no = (what: string) => fail("backward", what, "ERR_BN_STATE");
  if (pass === null) return no("forward() has not run yet; call it before backward()");
  const x = bottoms[0] as Memory;
  const inPlace = pass.bottoms[0] === pass.top;
  if (inPlace !== (x === top)) {
    return no(`the last forward() ran ${inPlace ? "in place" : "out of place"}; pass the same bottom and top`);
  }
  for (const [label, now, then] of [
    ["bottom[0]", x, pass.bottoms[0]],
    ["bottom[1]", bottoms[1], pass.bottoms[1]],
    ["top[0]", top, pass.top],
  ] as const) {
    if (now === then) continue;
    const shape = now === undefined ? "" : ` (shape ${shapeText(now.shape)})`;
    return no(
      `${label}${shape} is not the one that the last forward saw; for several inputs, create one layer per input and share the blobs: { blobs: layer.blobs }`,
    );
  }
  if (!sameShape(x.shape, pass.shape) || top.count !== x.count) {
    const got = `bottom[0] has shape ${shapeText(x.shape)}, top[0] ${shapeText(top.shape)}`;
    return no(`${got}, the last forward() saw ${shapeText(pass.shape)}; call forward() again`);
  }
  if ((pass.source !== null && x.data !== pass.source) || (pass.gamma !== null && gamma !== pass.gamma)) {
    const which = pass.source !== null && x.data !== pass.source ? "bottom[0]" : "the scale";
    return no(`reshape() replaced the memory of ${which} after forward(); call forward() again`);
  }
  checkUntouched(fail, last, pass);
  return pass;
}

/** Checks for changes that leave every blob's shape and buffers alone: new values, and errors of the device. */
export function checkUntouched<P extends ForwardPass>(fail: Fail, last: LastForward<P>, pass: P): void {
  const { backend, read } = pass;
  const [x, scale] = read;
  const fresh = (x?.writes ?? 0) === last.writes;
  const written = !fresh ? "bottom[0]" : (scale?.writes ?? 0) !== last.scaleWrites ? "bottom[1]" : null;
  if (written !== null) {
    fail(
      "backward",
      `the values of ${written} were overwritten after forward(), and backward() reads them; call forward() again, or work in place`,
      "ERR_BN_STATE",
    );
  }
  if (backend.faults !== last.faults) {
    fail(
      "backward",
      `the device reported an error after forward(), so its results cannot be used; await finish() to get the error, then call forward() again`,
      "ERR_BN_STATE",
    );
  }
}
