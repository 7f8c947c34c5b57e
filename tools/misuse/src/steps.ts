import type { BatchNormLayer, Phase } from "@bn/core";
import type { Random } from "./random.ts";
import { addBlob, copyOver, onBlob, shapeFor, valuesFor } from "./steps/blobs.ts";
import { addLayer, backward, backwardAtOnce, callLayer, load, onSubject } from "./steps/layers.ts";
import { type Make, type Step, unchecked } from "./steps/step.ts";
import type { World } from "./world.ts";

const disposeOfBuffer = onBlob("dispose of a buffer", (blob, { random }) => {
  const part = random.pick(["data", "diff"] as const);
  return () => blob[part].dispose();
});

const setting =
  <K extends "phase" | "updateStats">(norm: BatchNormLayer, option: K, value: BatchNormLayer[K]) =>
  () => {
    norm[option] = value;
  };
const phaseFor = (random: Random) =>
  random.oneIn(10) ? unchecked<Phase>("TEST") : random.pick<Phase>(["train", "test"]);
const updateFor = (random: Random) => (random.oneIn(10) ? unchecked<boolean>(1) : random.oneIn(2));

const disposeOfLayer = onSubject(
  "dispose",
  ({ layer }, { random }) => (random.oneIn(3) ? () => layer.dispose() : null),
  (subject) => {
    subject.last = null;
    subject.gone = true;
  },
);

/** The relative frequency of each step. */
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
  [1, disposeOfBuffer],
  [2, copyOver],
  [2, onSubject("clearParamDiffs", ({ layer }) => layer.clearParamDiffs.bind(layer))],
  [3, onSubject("phase", ({ norm }, { random }) => norm && setting(norm, "phase", phaseFor(random)))],
  [2, onSubject("updateStats", ({ norm }, { random }) => norm && setting(norm, "updateStats", updateFor(random)))],
  [2, onSubject("state", ({ layer }) => layer.state.bind(layer))],
  [3, load],
  [1, onSubject("mean", ({ norm }) => norm && (() => norm.mean()))],
  [1, disposeOfLayer],
];
const TOTAL = STEPS.reduce((sum, [weight]) => sum + weight, 0);

/** Disposed objects are mostly replaced and sometimes used; otherwise nearly every call would be refused. */
function bury({ random, blobs, subjects }: World): void {
  for (const [i, blob] of [...blobs.entries()].reverse()) if (blob.disposed && random.oneIn(3)) blobs.splice(i, 1);
  for (const [i, subject] of [...subjects.entries()].reverse()) {
    if (subject.gone && random.oneIn(3)) subjects.splice(i, 1);
    if (blobs.length === 0 || !random.oneIn(3)) continue;
    if (subject.bottom.some((blob) => blob.disposed)) subject.bottom = [random.pick(blobs)];
    if (subject.top.disposed || random.oneIn(20)) subject.top = random.pick(blobs);
  }
}

/** Draws the next step. */
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
