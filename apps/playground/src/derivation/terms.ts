/** Things that light up together: a symbol in formulas, its mark in a plot, and its number. */
export const TERMS = {
  mu: "the batch's mean",
  variance: "the batch's variance",
  xhat: "the normalized value",
  direct: "direct",
  "through-mean": "through the mean",
  "through-variance": "through the variance",
  gamma: "gamma's gradient",
  beta: "beta's gradient",
} as const;
export type Term = keyof typeof TERMS;

/** What lights a term up: the pointer over an element, or the keyboard's focus on it. */
export const lights = (lit: (term: Term | null) => void, term: Term | null) => {
  const [on, off] = [() => lit(term), () => lit(null)];
  return { onPointerEnter: on, onPointerLeave: off, onFocus: on, onBlur: off };
};

/**
 * Numbers as the page shows them: at most five digits, with a fixed width for each size, so that the layout does not
 * move.
 */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2).replace("-", "\u2212");
  const text = value.toFixed(size >= 1000 ? 1 : 4);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "\u2212");
}
