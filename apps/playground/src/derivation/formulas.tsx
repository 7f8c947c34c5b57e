import katex from "katex";
import "katex/dist/katex.min.css";
import { useMemo } from "preact/hooks";
import type { Outcome } from "./compute.ts";
import { lights, numberText, type Term } from "./terms.ts";

/** A formula of docs/batch-norm.md with names for its symbols, and their current numbers. */
interface Formula {
  readonly tex: string;
  /** The same for a screen reader. */
  readonly says: string;
  readonly terms: readonly Term[];
  readonly now: (outcome: Outcome) => string;
}

const mark = (term: Term, tex: string) => `\\htmlClass{t-${term}}{${tex}}`;

const BATCH: readonly Formula[] = [
  {
    tex: `${mark("mu", "\\mu")} = \\frac1m\\sum_i x_i`,
    says: "mean: the mean of x",
    terms: ["mu"],
    now: ({ mean }) => numberText(mean),
  },
  {
    tex: `${mark("variance", "v")} = \\frac1m\\sum_i (x_i-${mark("mu", "\\mu")})^2`,
    says: "variance: the mean square of x minus the mean",
    terms: ["variance"],
    now: ({ variance }) => numberText(variance),
  },
];
const R: Formula = {
  tex: `r = (${mark("variance", "v")}+\\varepsilon)^{-1/2}`,
  says: "r: one over the root of variance plus eps",
  terms: ["variance"],
  now: ({ r }) => numberText(r),
};
const FORWARD: Formula = {
  tex: `y_i = \\gamma\\,${mark("xhat", "\\hat x_i")}+\\beta,\\quad ${mark("xhat", "\\hat x_i")} = (x_i-${mark("mu", "\\mu")})\\,r`,
  says: "y: gamma times the normalized value plus beta; the normalized value: x minus the mean, times r",
  terms: ["xhat"],
  now: () => "",
};
const BACKWARD: Formula = {
  tex: `dx_i = \\gamma r\\Big(${mark("direct", "dy_i")}-${mark("through-mean", "\\frac1m\\sum_j dy_j")}-${mark("through-variance", "\\hat x_i\\,\\frac1m\\sum_j dy_j\\hat x_j")}\\Big)`,
  says: "dx: gamma times r times the sum of dy, minus the mean of dy, minus the normalized value times the mean of dy times the normalized value",
  terms: ["direct", "through-mean", "through-variance"],
  now: ({ sumDy, sumDyXhat, dx }) =>
    `means of dy ${numberText(sumDy / dx.length)}, of dy x\u0302 ${numberText(sumDyXhat / dx.length)}`,
};
const BACKWARD_STORED: Formula = {
  tex: `dx_i = ${mark("direct", "\\gamma\\,r\\,dy_i")}`,
  says: "dx: gamma times r times dy",
  terms: ["direct"],
  now: () => "mean and variance are constants: two of the three paths do not exist",
};
const SCALE: readonly Formula[] = [
  {
    tex: `${mark("gamma", "d\\gamma")} = \\sum_i dy_i\\hat x_i`,
    says: "gradient of gamma: the sum of dy times the normalized value",
    terms: ["gamma"],
    now: ({ dGamma }) => numberText(dGamma),
  },
  {
    tex: `${mark("beta", "d\\beta")} = \\sum_i dy_i`,
    says: "gradient of beta: the sum of dy",
    terms: ["beta"],
    now: ({ dBeta }) => numberText(dBeta),
  },
];

export function Formulas({ outcome, lit }: { readonly outcome: Outcome; readonly lit: (term: Term | null) => void }) {
  const { stored } = outcome.settings;
  const formulas = stored ? [R, FORWARD, BACKWARD_STORED, ...SCALE] : [...BATCH, R, FORWARD, BACKWARD, ...SCALE];
  return (
    <ul class="formulas">
      {formulas.map((formula) => (
        <li key={formula.tex}>
          <button type="button" {...lights(lit, formula.terms[0] ?? null)}>
            <span class="said-only">{formula.says}</span>
            <span aria-hidden="true">
              <Tex tex={formula.tex} />
            </span>
          </button>
          <output class="mono">{formula.now(outcome)}</output>
        </li>
      ))}
    </ul>
  );
}

export function Tex({ tex }: { readonly tex: string }) {
  // KaTeX's markup of our own text, with MathML for screen readers.
  const html = useMemo(() => katex.renderToString(tex, { trust: true, strict: false, throwOnError: true }), [tex]);
  return <span dangerouslySetInnerHTML={{ __html: html }} />;
}
