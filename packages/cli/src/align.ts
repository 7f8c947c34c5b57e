/**
 * Formats rows of cells as lines. The first column and those named `left` are aligned to the left, the others to the
 * right.
 */
export function align(rows: readonly (readonly string[])[], left: readonly number[] = []): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const cell = (text: string, i: number) => {
    const width = widths[i] as number;
    return i === 0 || left.includes(i) ? text.padEnd(width) : text.padStart(width);
  };
  return rows.map((row) => row.map(cell).join("  ").trimEnd());
}
