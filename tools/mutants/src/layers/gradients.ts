import type { Blob } from "@bn/core";
import {
  ALL,
  type BehaviourFault,
  combine,
  copies,
  learnt,
  NORMALIZING,
  put,
  SCALING,
  statistics,
  swap,
} from "./fault.ts";
import type { LayerType } from "./mutant.ts";
import { around, type Layer, viewOf } from "./tools.ts";

type Down = readonly boolean[];
const down = (name: string, change: (given: Down) => Down, types = ALL): BehaviourFault => ({
  name: `propagateDown: ${name}`,
  types,
  parts: (layer) => ({
    backward: (top, given, bottom) => layer.backward(top, change(given), bottom),
  }),
});

const afterBackward = (
  name: string,
  types: readonly LayerType[],
  change: (layer: Layer, bottom: readonly Blob[], top: readonly Blob[], prior: readonly ArrayLike<number>[]) => void,
): BehaviourFault => ({
  name: `backward: ${name}`,
  types,
  parts: (layer) =>
    around(
      layer,
      "backward",
      () => copies(learnt(layer), "diff"),
      ({ bottom, top }, prior) => change(layer, bottom, top, prior),
    ),
});

const addedInto = (name: string, i: 0 | 1, types: readonly LayerType[]): BehaviourFault => ({
  name: `backward: added into ${name}'s diff`,
  types,
  parts: (layer) => ({
    backward(top, given, bottom) {
      const apart = given[i] === true && bottom[i] !== top[0];
      const blobs = apart ? bottom.slice(i, i + 1) : [];
      const prior = copies(blobs, "diff");
      layer.backward(top, given, bottom);
      combine(blobs, "diff", prior, (now, old) => now + old);
    },
  }),
});

const cleared = (name: string, types: readonly LayerType[], change: (layer: Layer) => void): BehaviourFault => ({
  name: `clearParamDiffs: ${name}`,
  types,
  parts: (layer) => ({ clearParamDiffs: () => change(layer) }),
});

/** Mistakes in backward and clearParamDiffs. */
export const GRADIENT_FAULTS: readonly BehaviourFault[] = [
  down("all true", (given) => given.map(() => true)),
  down("all false", (given) => given.map(() => false)),
  down("inverted", (given) => given.map((one) => !one)),
  down("the first for all", (given) => given.map(() => given[0] as boolean), ["Scale"]),
  down("the last for all", (given) => given.map(() => given.at(-1) as boolean), ["Scale"]),
  down("bottom[1] always", (given) => given.map((one, i) => one || i > 0), ["Scale"]),
  down("bottom[1] never", (given) => given.map((one, i) => one && i === 0), ["Scale"]),
  down("reversed", (given) => [...given].reverse(), ["Scale"]),
  {
    name: "propagateDown: false leaves out the gradients of blobs",
    types: SCALING,
    parts: (layer) => ({
      backward(top, given, bottom) {
        const prior = copies(learnt(layer), "diff");
        layer.backward(top, given, bottom);
        if (!given[0]) put(learnt(layer), "diff", prior);
      },
    }),
  },
  afterBackward("gradients of blobs overwritten", SCALING, (layer, _bottom, _top, prior) => {
    combine(learnt(layer), "diff", prior, (now, old) => now - old);
  }),
  afterBackward("gradients of blobs added twice", SCALING, (layer, _bottom, _top, prior) => {
    combine(learnt(layer), "diff", prior, (now, old) => 2 * now - old);
  }),
  afterBackward("gradients of gamma and beta swapped", SCALING, ({ gamma, beta }) => {
    if (gamma && beta) swap(viewOf(gamma, "diff"), viewOf(beta, "diff"));
  }),
  afterBackward("the gradient of beta forgotten", SCALING, ({ gamma, beta }, _bottom, _top, prior) => {
    if (beta) viewOf(beta, "diff").set(prior[gamma ? 1 : 0] as ArrayLike<number>);
  }),
  afterBackward("the gradient of gamma forgotten", SCALING, ({ gamma }, _bottom, _top, prior) => {
    if (gamma) viewOf(gamma, "diff").set(prior[0] as ArrayLike<number>);
  }),
  afterBackward("top's diff cleared", ALL, (_layer, bottom, top) => {
    if (top[0] && top[0] !== bottom[0]) viewOf(top[0], "diff").fill(0);
  }),
  afterBackward("top's data cleared in place", ["Scale"], (_layer, bottom) => {
    if (bottom[0]) viewOf(bottom[0], "data").fill(0);
  }),
  addedInto("bottom", 0, ALL),
  addedInto("bottom[1]", 1, ["Scale"]),
  {
    name: "backward: the second one does nothing",
    types: ALL,
    parts: (layer) => {
      let done = false;
      return {
        forward(bottom, top) {
          done = false;
          layer.forward(bottom, top);
        },
        backward(top, given, bottom) {
          if (!done) layer.backward(top, given, bottom);
          done = true;
        },
      };
    },
  },
  cleared("nothing", ALL, () => {}),
  cleared("the first blob alone", SCALING, (layer) => {
    for (const blob of learnt(layer).slice(0, 1)) viewOf(blob, "diff").fill(0);
  }),
  cleared("the last blob alone", SCALING, (layer) => {
    for (const blob of learnt(layer).slice(-1)) viewOf(blob, "diff").fill(0);
  }),
  cleared("the last element left", SCALING, (layer) => {
    for (const blob of learnt(layer)) viewOf(blob, "diff").subarray(0, -1).fill(0);
  }),
  cleared("the first 100 elements alone", SCALING, (layer) => {
    for (const blob of learnt(layer)) viewOf(blob, "diff").subarray(0, 100).fill(0);
  }),
  cleared("the values too", SCALING, (layer) => {
    for (const blob of learnt(layer)) for (const part of ["data", "diff"] as const) viewOf(blob, part).fill(0);
  }),
  cleared("the statistics too", NORMALIZING, (layer) => {
    layer.clearParamDiffs();
    for (const blob of statistics(layer)) viewOf(blob, "data").fill(0);
  }),
  cleared("fills with a number", SCALING, (layer) => {
    for (const blob of learnt(layer)) viewOf(blob, "diff").fill(1e-30);
  }),
];
