import type { Case } from "@bn/conformance";
import type { Backend } from "@bn/core";

/** The first of `cases` that fails on `backend`, or null if no case finds the mistake. */
export async function firstFailure(backend: Backend, cases: readonly Case[]): Promise<Case | null> {
  const create = async () => backend;
  for (const one of cases) {
    if (one.needs.dtype && !backend.supports.dtypes.includes(one.needs.dtype)) continue;
    if (one.needs.nonFinite && !backend.supports.nonFinite) continue;
    try {
      const done = await one.run({ backend, create, bail: true });
      if (done.some(({ ratio }) => !(ratio <= 1))) return one;
    } catch {
      return one;
    }
  }
  return null;
}

/**
 * Cases of one kernel. Those that should find a mistake above `above` in `dimension` come first, and small ones before
 * large ones.
 */
export function ordered(
  cases: readonly Case[],
  kernel: string,
  hint: { readonly dimension: string; readonly above: number },
  dtype: string | null,
): Case[] {
  const rank = ({ id }: Case): number => {
    const [, , group = ""] = id.split("/");
    const [name = "", size = "0"] = group.split(/-(?=\d+$)/);
    const n = Number(size);
    if (name === "sizes") return hint.above < 100 ? n : 1e4 + n;
    if (name === hint.dimension && n > hint.above) return 100 + n / 100;
    return name === "drawn" ? 2e4 : 3e4 + n;
  };
  const own = cases
    .filter(({ id }) => id.startsWith(`kernels/${kernel}/`) && !/\d+x\d+x\d+/.test(id))
    .filter(({ needs }) => dtype === null || needs.dtype === dtype);
  return sortedBy(own, rank);
}

export function sortedBy<T>(list: readonly T[], rank: (one: T) => number): T[] {
  const ranked = list.map((one) => ({ one, at: rank(one) }));
  return ranked.sort((a, b) => a.at - b.at).map(({ one }) => one);
}
