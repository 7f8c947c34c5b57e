const f = Math.fround;

export interface Stats {
  readonly mean: number;
  readonly variance: number;
  readonly eps: number;
  readonly gamma: number;
}

/**
 * Ways to write y = gamma (x - mean) / sqrt(variance + eps). Parts that depend only on the channel are computed once.
 */
export const MAP_FORMS: readonly { readonly name: string; readonly form: (stats: Stats) => (x: number) => number }[] = [
  {
    name: "(x − mean) / std · γ",
    form: (stats) => {
      const std = stdOf(stats);
      return (x) => f(f(f(x - stats.mean) / std) * stats.gamma);
    },
  },
  {
    name: "(x − mean) · r · γ",
    form: (stats) => {
      const r = f(1 / stdOf(stats));
      return (x) => f(f(f(x - stats.mean) * r) * stats.gamma);
    },
  },
  {
    name: "(x − mean) · fl(rγ)",
    form: (stats) => {
      const scale = f(stats.gamma / Math.sqrt(stats.variance + stats.eps));
      return (x) => f(f(x - stats.mean) * scale);
    },
  },
  {
    name: "x·A + B",
    form: (stats) => {
      const a = f(f(1 / stdOf(stats)) * stats.gamma);
      const b = -f(stats.mean * a);
      return (x) => f(f(x * a) + b);
    },
  },
];

function stdOf({ variance, eps }: Stats): number {
  return f(Math.sqrt(f(variance + eps)));
}
