import { type Blob, createBatchNorm, createBatchNormScale, createScale, type Layer } from "@bn/core";
import { checkBackward, checkForward, checkSetUp } from "../expectations.ts";
import type { Subject, World } from "../world.ts";
import { anyBlob } from "./blobs.ts";
import { type Make, type Step, unchecked } from "./step.ts";

export function addLayer(world: World): Step {
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
        given: Array.isArray(options.blobs) ? options.blobs : [],
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

export function callLayer(wanted: "setUp" | "reshape" | "forward"): Make {
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
      touches: method === "setUp" ? [top, ...own, ...subject.given] : method === "reshape" ? [top] : [top, ...own],
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

export const backward: Make = (world) => {
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

/** The backward right after its forward. Only a lack of memory may prevent its result. */
export const backwardAtOnce: Make = (world) => {
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

export const onSubject =
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

export const load = onSubject("load", ({ layer }, { random, subjects }) => {
  const from = random.pick(subjects).layer;
  const bad = random.oneIn(5)
    ? random.pick<unknown>([null, {}, [], "state", { type: "BatchNorm", version: 1 }])
    : undefined;
  return async () => layer.load(bad === undefined ? await from.state() : unchecked(bad));
});
