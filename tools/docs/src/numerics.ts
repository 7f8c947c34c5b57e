import { MAP_FORMS, type Stats } from "./numerics/maps.ts";
import { exactMoments, samples, U } from "./numerics/samples.ts";
import { VARIANCES } from "./numerics/variances.ts";

/**
 * The tables of docs/batch-norm.md, section "Numerics": errors compared with float64 if every float32 operation is
 * rounded.
 */

const OFFSETS = [0, 1, 1e3, 1e4, 1e6];

/** The largest error of y in units of u |t|, with t = (x - mean) r gamma and beta = 0. Bound N-3 allows 4. */
export function mapTable(): string {
  const rows = OFFSETS.map((offset) => {
    const x = samples(`map ${offset}`, 65536, offset);
    const { mean, variance } = exactMoments(x);
    const stats = { mean: Math.fround(mean), variance: Math.fround(variance), eps: Math.fround(1e-5), gamma: 1.5 };
    const errors = MAP_FORMS.map(({ form }) => mapError(x, stats, form(stats)));
    const [first, last] = [errors[0], errors.at(-1)];
    return [...errors.map(({ relative }) => relative), first?.absolute ?? 0, last?.absolute ?? 0];
  });
  const [first, last] = [MAP_FORMS[0], MAP_FORMS.at(-1)];
  const head = [
    "mean / std",
    ...MAP_FORMS.map(({ name }) => name),
    `error of ${first?.name}`,
    `error of ${last?.name}`,
  ];
  return table(head, rows, OFFSETS.map(String));
}

/** The largest |y - t| and the largest |y - t| / (u |t|) over all values. */
function mapError(x: Float32Array, { mean, variance, eps, gamma }: Stats, y: (x: number) => number) {
  const scale = gamma / Math.sqrt(variance + eps);
  let [relative, absolute] = [0, 0];
  for (const value of x) {
    const t = (value - mean) * scale;
    const error = Math.abs(y(value) - t);
    absolute = Math.max(absolute, error);
    if (t !== 0) relative = Math.max(relative, error / (U * Math.abs(t)));
  }
  return { relative, absolute };
}

/** The relative error of the variance. */
export function varianceTable(): string {
  const settings = [64, 65536].flatMap((m) => [0, 1e3, 1e4, 1e6].map((offset) => ({ m, offset })));
  const rows = settings.map(({ m, offset }) => {
    const x = samples(`variance ${m} ${offset}`, m, offset);
    const { variance } = exactMoments(x);
    return VARIANCES.map(({ of }) => Math.abs(of(x) - variance) / variance);
  });
  const labels = settings.map(({ m, offset }) => `${m} | ${offset}`);
  return table(["m | mean / std", ...VARIANCES.map(({ name }) => name)], rows, labels);
}

function table(head: readonly string[], rows: readonly number[][], labels: readonly string[]): string {
  const columns = head.join(" | ").split(" | ").length;
  const lines = rows.map((row, i) => `| ${[labels[i], ...row.map(shown)].join(" | ")} |`);
  return [`| ${head.join(" | ")} |`, `|${"---|".repeat(columns)}`, ...lines].join("\n");
}

function shown(value: number): string {
  if (value === 0) return "0";
  if (value >= 0.01 && value < 1000) return value.toPrecision(2);
  return value.toExponential(1);
}
