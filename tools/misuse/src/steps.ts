import {
  type Blob,
  createBatchNorm,
  createBatchNormScale,
  createBlob,
  createScale,
  type DeviceBuffer,
  type Layer,
} from "@bn/core";
import { checkBackward, checkForward, checkSetUp } from "./expectations.ts";
import type { Snapshot, Subject, World } from "./world.ts";

/** One call, what it may change, and what must be true when it succeeded. */
export interface Step {
  readonly name: string;
  readonly call: () => unknown;
  /** Blobs that a success may change. */
  readonly touches?: readonly Blob[];
  /** Words where the result is wrong, or null. May update the model. */
  readonly check?: (before: Snapshot, after: Snapshot) => string | null;
  /** Also after a failure. */
  readonly always?: () => void;
  /** True where nothing may go wrong while there is memory. */
  readonly right?: boolean;
}
type Make = (world: World) => Step | null;

const unchecked = <T>(value: unknown): T => value as T;
const SHAPES = [[2, 3], [4, 3], [3, 3, 2], [1, 3], [6], [3], [1], [2, 3, 1, 2], [0, 3], [5, 2], [2, 3, 4], []] as const;
const BAD_SHAPES: readonly unknown[] = [8, "2,3", null, [-1], [1.5], [2 ** 20, 2 ** 20], [3n], new Array(2), {}];

function shapeFor({ random }: World): readonly number[] {
  return random.oneIn(12) ? unchecked(random.pick(BAD_SHAPES)) : random.pick(SHAPES);
}

function valuesFor({ random }: World, count: number): ArrayLike<number> {
  if (random.oneIn(20))
    return unchecked(random.pick(["123", null, undefined, [1n], ["1"], new Array(count), 5, new Set([1])]));
  const length = random.oneIn(15) ? count + 1 : count;
  const offset = random.pick([0, 0, 5, 1000]);
  return Array.from({ length }, () => offset + (random.below(2000) - 1000) / 256);
}

const anyBlob = ({ random, blobs, foreign }: World): Blob =>
  random.oneIn(25)
    ? random.pick([...foreign, unchecked<Blob>(null), unchecked<Blob>({}), unchecked<Blob>([])])
    : random.pick(blobs);

function addBlob(world: World): Step {
  const { random, backend, blobs, foreign } = world;
  const dtype = random.oneIn(8) ? random.pick(world.dtypes) : world.dtypes[0]!;
  const shape = shapeFor(world);
  let data: DeviceBuffer | null = null;
  if (random.oneIn(10)) {
    const from = random.oneIn(3) ? random.pick(foreign) : blobs.find((blob) => !blob.disposed);
    try {
      data = from ? from[random.pick(["data", "diff"] as const)] : null;
    } catch {
      data = null; // that blob has lost its buffer
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

function addLayer(world: World): Step {
  const { random, blobs, subjects } = world;
  const options: Record<string, unknown> = {};
  if (random.oneIn(2)) options.movingAverageFraction = random.pick([0.9, 0.5, 1, 0]);
  if (random.oneIn(3)) options.phase = random.pick(["train", "test"]);
  if (random.oneIn(5)) options.useGlobalStats = random.oneIn(2);
  if (random.oneIn(5)) options.eps = 0.5;
  if (random.oneIn(10)) options[random.pick(["epsilon", "constructor", "use_global_stats"])] = 1;
  if (random.oneIn(20)) options.phase = random.pick<unknown>(["TEST", 1, null]);
  const kind = random.below(3);
  if (kind > 0) options.biasTerm = random.oneIn(2);
  const donor = random.oneIn(3) && subjects.length > 0 ? random.pick(subjects).layer : null;
  if (donor && donor.blobs.length > 0) options.blobs = donor.blobs;
  if (random.oneIn(15)) options.blobs = [random.pick(blobs), random.pick(blobs), random.pick(blobs)];
  let made: Layer | null = null;
  const { phase, useGlobalStats, eps, movingAverageFraction: fraction, ...affine } = options;
  const params = kind === 2 ? affine : options;
  return {
    name: "createLayer",
    call: () => {
      made = [createBatchNorm, createBatchNormScale, createScale][kind]!(unchecked(params));
    },
    check: () => {
      if (!made) return "no layer";
      const [bottom, top] = [random.pick(blobs), random.pick(blobs)];
      subjects.push({
        layer: made,
        norm: kind === 2 ? null : unchecked(made),
        eps: Math.fround(Number(eps ?? 1e-5)),
        fraction: Math.fround(Number(fraction ?? 0.999)),
        useGlobalStats: (useGlobalStats as boolean | undefined) ?? null,
        bottom: [bottom],
        top,
        last: null,
        ready: false,
        gone: false,
      });
      if (subjects.length > 4) subjects.shift();
      return null;
    },
  };
}

/** The blobs of a subject's last call, or others. */
function operands(world: World, subject: Subject): { bottom: Blob[]; top: Blob; same: boolean } {
  const { random } = world;
  if (!random.oneIn(4)) return { bottom: subject.bottom, top: subject.top, same: true };
  const bottom = [anyBlob(world)];
  if (!subject.norm && random.oneIn(4)) bottom.push(anyBlob(world));
  const top = random.oneIn(5)
    ? bottom[0]!
    : random.oneIn(12) && subject.layer.blobs.length > 0
      ? random.pick(subject.layer.blobs)
      : anyBlob(world);
  return { bottom, top, same: false };
}

function callLayer(wanted: "setUp" | "reshape" | "forward"): Make {
  return (world) => {
    const { random, subjects } = world;
    if (subjects.length === 0 || world.blobs.length === 0) return null;
    const subject = random.pick(subjects);
    const method = subject.ready || random.oneIn(10) ? wanted : "setUp";
    const { bottom, top } = operands(world, subject);
    const own = [...subject.layer.blobs];
    const list = random.oneIn(40) ? unchecked<Blob[]>(bottom[0]) : bottom;
    const keep = () => {
      subject.bottom = bottom;
      subject.top = top;
    };
    return {
      name: `${subject.layer.type} ${method}`,
      call: () => subject.layer[method](list, [top]),
      touches:
        method === "setUp" ? [top, ...own, ...subject.layer.blobs] : method === "reshape" ? [top] : [top, ...own],
      check: (before, after) => {
        keep();
        if (method === "setUp") return checkSetUp(subject);
        if (method === "reshape") return null;
        world.fresh = { subject, bottom, top };
        return checkForward(world, subject, bottom, top, before, after);
      },
    };
  };
}

const backward: Make = (world) => {
  const { random, subjects } = world;
  if (subjects.length === 0) return null;
  const subject = random.pick(subjects);
  if (subject.last === null && !random.oneIn(10)) return null;
  const { bottom, top } = operands(world, subject);
  const down = bottom.map(() => !random.oneIn(4));
  const given = random.oneIn(30)
    ? unchecked<boolean[]>(random.pick([[1], true, [], [true, true, true], undefined]))
    : down;
  return {
    name: `${subject.layer.type} backward`,
    call: () => subject.layer.backward([top], given, bottom),
    touches: [...bottom, ...subject.layer.blobs],
    check: (before, after) => checkBackward(world, subject, bottom, top, down, before, after),
  };
};

/** The backward of the forward that was the last step: nothing but memory may keep it from its result. */
const backwardAtOnce: Make = (world) => {
  if (world.fresh === null) return null;
  const { subject, bottom, top } = world.fresh;
  const down = bottom.map(() => true);
  return {
    name: `${subject.layer.type} backward at once`,
    right: true,
    call: () => subject.layer.backward([top], down, bottom),
    touches: [...bottom, ...subject.layer.blobs],
    check: (before, after) => checkBackward(world, subject, bottom, top, down, before, after),
  };
};

const onBlob =
  (name: string, act: (blob: Blob, world: World) => (() => unknown) | null): Make =>
  (world) => {
    if (world.blobs.length === 0) return null;
    const owned = world.subjects.flatMap(({ layer }) => layer.blobs);
    const blob = owned.length > 0 && world.random.oneIn(8) ? world.random.pick(owned) : world.random.pick(world.blobs);
    const call = act(blob, world);
    return call && { name, call, touches: [blob] };
  };

const copyOver: Make = (world) => {
  const { random, blobs, backend } = world;
  if (!backend.supports.hostVisible || blobs.length < 2) return null;
  const [from, to] = [random.pick(blobs), random.pick(blobs)];
  return {
    name: "write from a view",
    call: () => to.write(unchecked<{ view: Float32Array }>(from.data).view.subarray(0, to.count())),
    touches: [to],
  };
};

const onSubject =
  (
    name: string,
    act: (subject: Subject, world: World) => (() => unknown) | null,
    after?: (subject: Subject) => void,
  ): Make =>
  (world) => {
    if (world.subjects.length === 0) return null;
    const subject = world.random.pick(world.subjects);
    const call = act(subject, world);
    if (call === null) return null;
    const check = () => {
      after?.(subject);
      return null;
    };
    return { name: `${subject.layer.type} ${name}`, call, touches: subject.layer.blobs, check };
  };

const load = onSubject("load", ({ layer }, { random, subjects }) => {
  const from = random.pick(subjects).layer;
  const bad = random.oneIn(5)
    ? random.pick<unknown>([null, {}, [], "state", { type: "BatchNorm", version: 1 }])
    : undefined;
  return async () => layer.load(bad === undefined ? await from.state() : unchecked(bad));
});

/** How often each is tried, relative to the others. */
const STEPS: readonly (readonly [number, Make])[] = [
  [6, addBlob],
  [4, addLayer],
  [9, callLayer("setUp")],
  [2, callLayer("reshape")],
  [20, callLayer("forward")],
  [12, backward],
  [8, onBlob("write", (blob, world) => () => blob.write(valuesFor(world, blob.disposed ? 1 : blob.count())))],
  [6, onBlob("writeDiff", (blob, world) => () => blob.writeDiff(valuesFor(world, blob.disposed ? 1 : blob.count())))],
  [4, onBlob("reshape", (blob, world) => () => blob.reshape(shapeFor(world)))],
  [1, onBlob("dispose", (blob) => () => blob.dispose())],
  [
    1,
    onBlob(
      "dispose of a buffer",
      (blob, { random }) =>
        () =>
          blob[random.pick(["data", "diff"] as const)].dispose(),
    ),
  ],
  [2, copyOver],
  [
    2,
    onSubject(
      "clearParamDiffs",
      ({ layer }) =>
        () =>
          layer.clearParamDiffs(),
    ),
  ],
  [
    3,
    onSubject("phase", ({ norm }, { random }) => {
      if (!norm) return null;
      const phase = random.oneIn(10) ? unchecked<"test">("TEST") : random.pick(["train", "test"] as const);
      return () => {
        norm.phase = phase;
      };
    }),
  ],
  [
    2,
    onSubject(
      "updateStats",
      ({ norm }, { random }) =>
        norm &&
        (() => {
          norm.updateStats = random.oneIn(10) ? unchecked<boolean>(1) : random.oneIn(2);
        }),
    ),
  ],
  [
    2,
    onSubject(
      "state",
      ({ layer }) =>
        () =>
          layer.state(),
    ),
  ],
  [3, load],
  [1, onSubject("mean", ({ norm }) => norm && (() => norm.mean()))],
  [
    1,
    onSubject(
      "dispose",
      ({ layer }, { random }) => (random.oneIn(3) ? () => layer.dispose() : null),
      (subject) => {
        subject.last = null;
        subject.gone = true;
      },
    ),
  ],
];
const TOTAL = STEPS.reduce((sum, [weight]) => sum + weight, 0);

/** What is dead is mostly replaced, and sometimes used: else nearly every call would be refused. */
function bury({ random, blobs, subjects }: World): void {
  for (const [i, blob] of [...blobs.entries()].reverse()) if (blob.disposed && random.oneIn(3)) blobs.splice(i, 1);
  for (const [i, subject] of [...subjects.entries()].reverse()) {
    if (subject.gone && random.oneIn(3)) subjects.splice(i, 1);
    if (blobs.length === 0 || !random.oneIn(3)) continue;
    if (subject.bottom.some((blob) => blob.disposed)) subject.bottom = [random.pick(blobs)];
    if (subject.top.disposed || random.oneIn(20)) subject.top = random.pick(blobs);
  }
}

/** The next step of the world. */
export function nextStep(world: World): Step {
  const atOnce = world.random.oneIn(2) ? backwardAtOnce(world) : null;
  world.fresh = null;
  if (atOnce) return atOnce;
  bury(world);
  if (world.blobs.length < 5) return addBlob(world);
  for (;;) {
    let at = world.random.below(TOTAL);
    for (const [weight, make] of STEPS) {
      at -= weight;
      const step = at < 0 ? make(world) : null;
      if (step) return step;
      if (at < 0) break;
    }
  }
}
