import type { Truth } from "../truth/truth.ts";
import { type Called, givenLeaves, IN_PLACE, type KernelName } from "./call.ts";
import { type Judged, TOUCHED } from "./judge.ts";
import type { Mistake } from "./mistake.ts";
import { mistakesFor } from "./mistakes.ts";
import { reference } from "./reference.ts";

/**
 * A mistake explains a failure if its result leaves at most this part of the failure's error, or errors within the
 * bounds.
 */
const LEFT_OVER = 1 / 64;
/**
 * A mistake's formulas are computed in float64, with less care than the truth. Their error may be this many times the
 * bounds.
 */
const BOUNDS = 4;
/** Formulas are tried on calls up to this size. A larger failure is tried again after it was reduced. */
const MOST_ELEMENTS = 2 ** 17;

export const CLAUSES: Readonly<Record<KernelName, string>> = {
  moments: "K-1",
  splitMoments: "K-12",
  normalize: "K-2",
  gradSums: "K-3",
  gradNormalize: "K-4",
  forward: "K-10",
  backward: "K-10",
  scale: "K-5",
  scaleSums: "K-6",
  movingAverage: "K-7",
  globalStats: "K-8",
  copy: "K-9",
  fill: "K-9",
};

/** The mistakes that explain every wrong output of a call, the likely ones first. */
export function explanations(called: Called, judged: Judged): Mistake[] {
  const size = called.g.outer * called.g.channels * called.g.inner;
  if (called.error !== undefined || size > MOST_ELEMENTS || judged.worst?.note === TOUCHED) return [];
  const found = mistakesFor(called.g).map((mistake) => [mistake, explanation(mistake, called, judged)] as const);
  // A mistake that fits within the bounds is preferred to one that nearly fits. Among equals the more likely one comes
  // first.
  return (["exact", "near"] as const).flatMap((how) =>
    found.filter(([, one]) => one === how).map(([mistake]) => mistake),
  );
}

/** Whether this mistake explains every wrong output of a call. */
export const explains = (mistake: Mistake, called: Called, judged: Judged): boolean =>
  explanation(mistake, called, judged) !== "none";

function explanation({ formulas }: Mistake, called: Called, { truths }: Judged): "exact" | "near" | "none" {
  const predicted = reference(called, formulas);
  let how: "exact" | "near" | "none" = "none";
  for (const [path, truth] of Object.entries(truths)) {
    const [got, guess] = [called.after.get(path), predicted[path]];
    if (!got || !guess) return "none";
    for (let i = 0; i < truth.expected.length; i++) {
      const one = elementExplained(got[i] as number, guess[i] as number, truth, i);
      if (one === "no") return "none";
      if (one === "near" || (one === "exact" && how === "none")) how = one;
    }
  }
  return how;
}

/** Returns `right` if the element is within its bound and the mistake predicts so too. */
function elementExplained(got: number, guess: number, truth: Truth, i: number): "exact" | "near" | "no" | "right" {
  const [expected, bound] = [truth.expected[i] as number, BOUNDS * (truth.bound[i] as number)];
  const [error, left] = [distance(got, expected), distance(got, guess)];
  if (error <= (truth.bound[i] as number)) return left === 0 || left <= bound ? "right" : "no";
  // An infinite error, or a NaN, is explained only by the same value. Where NaN is expected, the bound is NaN too.
  if (left === 0 || left <= bound) return "exact";
  return Number.isFinite(error) && left <= error * LEFT_OVER ? "near" : "no";
}

function distance(a: number, b: number): number {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return 0;
  const d = Math.abs(a - b);
  return Number.isNaN(d) ? Number.POSITIVE_INFINITY : d;
}

/** Describes in words where an output is wrong, for a failure that no known mistake explains. */
export function placesText(called: Called, { truths, worst }: Judged): string {
  const path = worst?.what ?? "";
  const [truth, got] = [truths[path], called.after.get(path)];
  const leaf = givenLeaves(called).find((one) => one.path === path);
  if (!truth || !got || !leaf) return "";
  const { outer, channels, inner } =
    leaf.size === "tensor" ? called.g : { outer: 1, channels: truth.expected.length, inner: 1 };
  const places = { row: new Set<number>(), channel: new Set<number>(), element: new Set<number>() };
  let wrong = 0;
  for (let i = 0; i < truth.expected.length; i++) {
    if (distance(got[i] as number, truth.expected[i] as number) <= (truth.bound[i] as number)) continue;
    wrong++;
    places.element.add(i % inner);
    places.channel.add(Math.floor(i / inner) % channels);
    places.row.add(Math.floor(i / inner / channels));
  }
  if (wrong === truth.expected.length) return wrong === 1 ? "" : "every element is wrong";
  const parts = [
    axisText("row", "rows of [outer]", places.row, outer),
    axisText("channel", "channels", places.channel, channels),
    axisText("element of a row", "elements of a row", places.element, inner),
  ].filter((part) => part !== "");
  return `${wrong} of ${truth.expected.length} elements are wrong${parts.length > 0 ? `: ${parts.join(", ")}` : ""}`;
}

function axisText(one: string, many: string, set: ReadonlySet<number>, size: number): string {
  if (set.size === size || set.size === 0) return "";
  const all = [...set].sort((a, b) => a - b);
  const [first, last] = [all[0] as number, all.at(-1) as number];
  if (all.length === 1) return `${one} ${first} of ${size} alone`;
  if (last === size - 1 && all.length === size - first) return `${many} from ${first} on`;
  if (all.length === last - first + 1) return `${many} ${first} to ${last}`;
  return `${all.length} of ${size} ${many}`;
}

/** Returns `normalize is wrong where y is x`, for a failure that occurs only in place. */
export function inPlaceText(kernel: KernelName): string {
  const [out, source] = IN_PLACE[kernel] ?? ["", ""];
  return `where ${out} is ${source}`;
}
