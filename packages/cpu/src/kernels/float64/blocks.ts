/** Most terms that one accumulator adds before compensated addition takes over: N-1 counts 31 roundings for them. */
export const TERMS = 32;

/**
 * Columns of a block of planes. The loops have four accumulators, the first of which takes the rest: 120 columns are the
 * most for which no width up to it gives one of them more than 32 terms.
 */
export const BLOCK_COLUMNS = 120;

/** Rows of a block, where rows are short: as many as keep every accumulator at 32 terms. */
export function blockRows(inner: number): number {
  const columns = Math.min(inner, BLOCK_COLUMNS);
  return Math.max(1, Math.floor(TERMS / (Math.floor(columns / 4) + (columns % 4))));
}
