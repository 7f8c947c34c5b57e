import type { Geometry } from "@bn/core";
import { type Mistake, mistake } from "./mistake.ts";
import { LAYOUTS, truncations } from "./places.ts";
import { type Formulas, RIGHT } from "./reference.ts";

const { fround } = Math;

const dxOf =
  (a: number, b: number): Formulas["dx"] =>
  (dy, sumDy, sumDyXhat, xhat, r, gamma, m) =>
    gamma * r * (dy - (a * sumDy) / m - (b * xhat * sumDyXhat) / m);

/** Another affine map of x^ and, in the kernel scale, of x. */
const affine = (y: Formulas["scaled"]): Partial<Formulas> => ({ y, scaled: y });

/** Another gamma, in every formula that has one. */
const withGamma = (to: (gamma: number) => number): Partial<Formulas> => ({
  ...affine((x, gamma, beta) => x * to(gamma) + beta),
  dx: (dy, sumDy, sumDyXhat, xhat, r, gamma, m) => RIGHT.dx(dy, sumDy, sumDyXhat, xhat, r, to(gamma), m),
});

/** The mistake in both running sums, or in one of them. */
function averages(
  key: string,
  text: string,
  wrong: (fraction: number, old: number, value: number) => number,
): Mistake[] {
  const only = (of: string) =>
    mistake(`average-${key}-${of}`, `${text} (of the ${of} alone)`, {
      average: (fraction, old, value, which) =>
        (which === of ? wrong : RIGHT.average)(fraction, old, value, which as "mean"),
    });
  const both = { average: wrong };
  const counted = { ...both, factor: (fraction: number, old: number) => wrong(fraction, old, 1) };
  return [
    mistake(`average-${key}`, text, both),
    mistake(`average-${key}`, text, counted),
    only("mean"),
    only("variance"),
  ];
}

const OUTPUTS = ["mean", "variance", "dy", "dyXhat", "gamma", "beta", "dGamma", "dBeta"] as const;

/** Mistakes in one of several outputs. */
function ofOneOutput(): Mistake[] {
  return OUTPUTS.flatMap((name) => {
    const only =
      (wrong: (prior: number, value: number) => number, right: (prior: number, value: number) => number) =>
      (prior: number, value: number, path: string) =>
        (path.endsWith(name) ? wrong : right)(prior, value);
    const sum = (prior: number, value: number) => prior + value;
    const alone = (_: number, value: number) => value;
    const kept = (prior: number) => prior;
    return [
      mistake("output-added-into", `${name} were added to what the output held`, { write: only(sum, alone) }),
      mistake("output-not-written", `${name} were not written`, { write: only(kept, alone) }),
      mistake("grad-overwritten", `the gradient ${name} were overwritten: it is added to what is there`, {
        add: only(alone, sum),
      }),
      mistake("grad-not-written", `nothing were added to the gradient ${name}`, { add: only(kept, sum) }),
    ];
  });
}

/** Mistakes of arithmetic. The likely ones come first, because the first mistake that explains a failure names it. */
const ARITHMETIC: readonly Mistake[] = [
  mistake("eps-outside-root", "eps were added outside the root: 1 / (sqrt(variance) + eps)", {
    r: (variance, eps) => 1 / (Math.sqrt(variance) + eps),
  }),
  mistake("eps-forgotten", "eps were left out: 1 / sqrt(variance)", { r: (variance) => 1 / Math.sqrt(variance) }),
  mistake("no-root", "the root were left out: 1 / (variance + eps)", { r: (variance, eps) => 1 / (variance + eps) }),
  mistake("multiplied-by-std", "the deviation were multiplied, not divided: (x - mean) * sqrt(variance + eps)", {
    r: (variance, eps) => Math.sqrt(variance + eps),
  }),
  mistake("unbiased-variance", "the variance were the unbiased one, divided by m - 1 instead of m", {
    variance: (squares, m) => squares / (m - 1),
  }),
  mistake("std-for-variance", "the variance were the standard deviation, its root", {
    variance: (squares, m) => Math.sqrt(squares / m),
  }),
  mistake("sums-not-divided", "the sums were not divided by m", {
    mean: (sum) => sum,
    variance: (squares) => squares,
  }),
  mistake("squares-not-divided", "the sum of squares were not divided by m", { variance: (squares) => squares }),
  mistake("divided-by-outer", "the sums were divided by outer instead of m = outer * inner", { count: (g) => g.outer }),
  mistake("divided-by-inner", "the sums were divided by inner instead of m = outer * inner", { count: (g) => g.inner }),
  mistake("mean-not-subtracted", "the mean were not subtracted from x", { center: () => 0 }),
  mistake("mean-added", "the mean were added to x, not subtracted", { center: (mean) => -mean }),
  mistake(
    "gamma-ignored",
    "gamma were ignored",
    withGamma(() => 1),
  ),
  mistake(
    "gamma-zero-is-one",
    "a gamma of 0 were 1",
    withGamma((gamma) => gamma || 1),
  ),
  mistake("gamma-magnitude", "gamma had no sign: |gamma|", withGamma(Math.abs)),
  mistake(
    "one-plus-gamma",
    "gamma were 1 + gamma",
    affine((x, gamma, beta) => x * (1 + gamma) + beta),
  ),
  mistake(
    "beta-ignored",
    "beta were ignored",
    affine((x, gamma) => x * gamma),
  ),
  mistake(
    "beta-subtracted",
    "beta were subtracted",
    affine((x, gamma, beta) => x * gamma - beta),
  ),
  mistake(
    "gamma-beta-swapped",
    "gamma and beta were swapped",
    affine((x, gamma, beta) => x * beta + gamma),
  ),
  mistake(
    "beta-before-gamma",
    "beta were added before gamma multiplies",
    affine((x, gamma, beta) => (x + beta) * gamma),
  ),
  mistake(
    "gamma-added",
    "gamma were added, not multiplied",
    affine((x, gamma, beta) => x + gamma + beta),
  ),
  mistake("folded", "x were scaled before the mean is subtracted: x * A + B, folded", {
    y: (_, gamma, beta, x, mean, r) => fround(fround(x) * fround(r * gamma)) + fround(beta - mean * fround(r * gamma)),
  }),
  mistake("folded", "x were scaled before the mean is subtracted: x * A + B, folded", {
    y: (_, gamma, beta, x, mean, r) => fround(x * r * gamma) + fround(beta - mean * r * gamma),
  }),
  mistake("grad-overwritten", "the gradient were overwritten: it is added to what is there", { add: (_, sum) => sum }),
  mistake("grad-not-written", "nothing were added to the gradient", { add: (prior) => prior }),
  mistake("grad-subtracted", "the gradient were subtracted", { add: (prior, sum) => prior - sum }),
  mistake("grad-twice", "the gradient were added twice", { add: (prior, sum) => prior + 2 * sum }),
  mistake("output-added-into", "the result were added to what the output held", {
    write: (prior, value) => prior + value,
  }),
  mistake("output-not-written", "nothing were written to the output", { write: (prior) => prior }),
  ...ofOneOutput(),
  mistake("weight-without-r", "x^ in sum dy * x^ were x - mean, not divided by the deviation", {
    weight: (xhat, _, r) => xhat / r,
  }),
  mistake("weight-is-x", "sum dy * x^ were sum dy * x", { weight: (_, x) => x }),
  mistake("sums-swapped", "sum dy and sum dy * x^ were swapped", { sums: (dy, dyXhat) => [dyXhat, dy] }),
  mistake("sums-divided", "the sums were divided by m: they are sums, not means", {
    sums: (dy, dyXhat, m) => [dy / m, dyXhat / m],
  }),
  mistake("sum-dy-divided", "sum dy were divided by m", { sums: (dy, dyXhat, m) => [dy / m, dyXhat] }),
  mistake("dx-gamma-ignored", "gamma were left out of dx", {
    dx: (dy, a, b, xhat, r, _, m) => r * (dy - a / m - (xhat * b) / m),
  }),
  mistake("dx-without-r", "dx were not divided by the deviation", {
    dx: (dy, a, b, xhat, _, gamma, m) => gamma * (dy - a / m - (xhat * b) / m),
  }),
  mistake("dx-without-sums", "both sums were left out of dx", { dx: dxOf(0, 0) }),
  mistake("dx-without-sum-dy", "sum dy / m were left out of dx", { dx: dxOf(0, 1) }),
  mistake("dx-without-sum-dy-xhat", "x^ * sum(dy * x^) / m were left out of dx", { dx: dxOf(1, 0) }),
  mistake("dx-adds-sum-dy", "sum dy / m were added in dx, not subtracted", { dx: dxOf(-1, 1) }),
  mistake("dx-adds-sum-dy-xhat", "x^ * sum(dy * x^) / m were added in dx, not subtracted", { dx: dxOf(1, -1) }),
  mistake("dx-sums-not-divided", "the sums were not divided by m in dx", {
    dx: (dy, a, b, xhat, r, gamma) => gamma * r * (dy - a - xhat * b),
  }),
  mistake("dx-sum-dy-not-divided", "sum dy were not divided by m in dx", {
    dx: (dy, a, b, xhat, r, gamma, m) => gamma * r * (dy - a - (xhat * b) / m),
  }),
  mistake("dx-sum-dy-xhat-not-divided", "sum(dy * x^) were not divided by m in dx", {
    dx: (dy, a, b, xhat, r, gamma, m) => gamma * r * (dy - a / m - xhat * b),
  }),
  mistake("dx-divided-by-m-minus-1", "the sums were divided by m - 1 in dx", {
    dx: (dy, a, b, xhat, r, gamma, m) => gamma * r * (dy - a / (m - 1) - (xhat * b) / (m - 1)),
  }),
  mistake("dx-xhat-without-r", "x^ in dx were x - mean, not divided by the deviation", {
    dx: (dy, a, b, xhat, r, gamma, m) => gamma * r * (dy - a / m - (xhat * b) / r / m),
  }),
  ...averages(
    "complement",
    "a mean were kept, fraction * old + (1 - fraction) * new, not a decayed sum",
    (f, old, value) => f * old + (1 - f) * value,
  ),
  ...averages(
    "swapped",
    "the fraction weighed the new value: (1 - fraction) * old + fraction * new",
    (f, old, value) => (1 - f) * old + f * value,
  ),
  ...averages("new-weighed", "the fraction weighed the new value as well", (f, old, value) => f * (old + value)),
  ...averages("not-decayed", "the old sum were not multiplied by the fraction", (_, old, value) => old + value),
  ...averages("old-dropped", "the old sum were dropped", (_, __, value) => value),
  mistake("no-correction", "the running variance lacked its correction m / (m - 1)", {
    corrected: (variance) => variance,
  }),
  mistake("correction-inverse", "the correction of the running variance were (m - 1) / m", {
    corrected: (variance, correction) => variance / correction,
  }),
  mistake("factor-complement", "the factor advanced by 1 - fraction, not by 1", {
    factor: (fraction, old) => fraction * old + (1 - fraction),
  }),
  mistake("factor-counts", "the factor counted the batches: old + 1", { factor: (_, old) => old + 1 }),
  mistake("factor-kept", "the factor were left as it was", { factor: (_, old) => old }),
  mistake("divides-by-zero", "a factor of 0 were divided by", { divided: (sum, factor) => sum / factor }),
  mistake("not-divided-by-factor", "the running sums were not divided by the factor", { divided: (sum) => sum }),
  mistake("multiplied-by-factor", "the running sums were multiplied by the factor", {
    divided: (sum, factor) => sum * factor,
  }),
  mistake("float32-sums", "sums were kept in float32, added one after another", {
    accumulate: (total, term) => fround(total + fround(term)),
  }),
  mistake("float32-results", "results were rounded to float32", { store: fround }),
];

/** All mistakes that are possible for this kernel and geometry. */
export function mistakesFor(g: Geometry): Mistake[] {
  return [...ARITHMETIC, ...LAYOUTS, ...truncations(g)];
}

/** The number of kinds of mistakes that can be recognised. */
export const KINDS: number = new Set(
  [...ARITHMETIC, ...LAYOUTS, ...truncations({ outer: 2, channels: 2, inner: 2 })].map(({ key }) => key),
).size;
