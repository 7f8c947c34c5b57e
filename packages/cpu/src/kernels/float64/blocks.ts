/**
 * The most terms that one accumulator adds before compensated addition takes over: N-1 counts 31 roundings for them.
 */
export const TERMS = 32;

/**
 * The columns of a block of planes. The loops have four accumulators, and the first one also takes the rest. With at
 * most 120 columns, no accumulator gets more than 32 terms at any width.
 */
export const BLOCK_COLUMNS = 120;

/** The rows of a block whose rows are short: as many as keep every accumulator at 32 terms or fewer. */
export function blockRows(inner: number): number {
  const columns = Math.min(inner, BLOCK_COLUMNS);
  return Math.max(1, Math.floor(TERMS / (Math.floor(columns / 4) + (columns % 4))));
}
