import { type Blob, createBlob, type DeviceBuffer } from "@bn/core";
import type { World } from "../world.ts";
import { type Make, type Step, unchecked } from "./step.ts";

const SHAPES = [[2, 3], [4, 3], [3, 3, 2], [1, 3], [6], [3], [1], [2, 3, 1, 2], [0, 3], [5, 2], [2, 3, 4], []] as const;
const BAD_SHAPES: readonly unknown[] = [8, "2,3", null, [-1], [1.5], [2 ** 20, 2 ** 20], [3n], new Array(2), {}];

export function shapeFor({ random }: World): readonly number[] {
  return random.oneIn(12) ? unchecked(random.pick(BAD_SHAPES)) : random.pick(SHAPES);
}

export function valuesFor({ random }: World, count: number): ArrayLike<number> {
  if (random.oneIn(20))
    return unchecked(random.pick(["123", null, undefined, [1n], ["1"], new Array(count), 5, new Set([1])]));
  const length = random.oneIn(15) ? count + 1 : count;
  const offset = random.pick([0, 0, 5, 1000]);
  return Array.from({ length }, () => offset + (random.below(2000) - 1000) / 256);
}

export const anyBlob = ({ random, blobs, foreign }: World): Blob =>
  random.oneIn(25)
    ? random.pick([...foreign, unchecked<Blob>(null), unchecked<Blob>({}), unchecked<Blob>([])])
    : random.pick(blobs);

export function addBlob(world: World): Step {
  const { random, backend, blobs, foreign } = world;
  const dtype = random.oneIn(8) ? random.pick(world.dtypes) : world.dtypes[0]!;
  const shape = shapeFor(world);
  let data: DeviceBuffer | null = null;
  if (random.oneIn(10)) {
    const from = random.oneIn(3) ? random.pick(foreign) : blobs.find((blob) => !blob.disposed);
    try {
      data = from ? from[random.pick(["data", "diff"] as const)] : null;
    } catch {
      data = null; // the blob has lost its buffer
    }
    if (random.oneIn(6)) data = unchecked(random.pick([5, {}, new Float32Array(8)]));
  }
  let made: Blob | null = null;
  return {
    name: "createBlob",
    call: () => {
      made = createBlob(random.oneIn(30) ? unchecked(Promise.resolve(backend)) : backend, shape, dtype, data);
    },
    check: () => {
      if (made) blobs.push(made);
      if (blobs.length > 9) blobs.shift();
      return null;
    },
  };
}

export const onBlob =
  (name: string, act: (blob: Blob, world: World) => (() => unknown) | null): Make =>
  (world) => {
    if (world.blobs.length === 0) return null;
    const owned = world.subjects.flatMap(({ layer }) => layer.blobs);
    const blob = owned.length > 0 && world.random.oneIn(8) ? world.random.pick(owned) : world.random.pick(world.blobs);
    const call = act(blob, world);
    return call && { name, call, touches: [blob] };
  };

export const copyOver: Make = (world) => {
  const { random, blobs, backend } = world;
  if (!backend.supports.hostVisible || blobs.length < 2) return null;
  const [from, to] = [random.pick(blobs), random.pick(blobs)];
  return {
    name: "write from a view",
    call: () => to.write(unchecked<{ view: Float32Array }>(from.data).view.subarray(0, to.count())),
    touches: [to],
  };
};
