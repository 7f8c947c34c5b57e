import type { Row } from "./row.ts";

/** Prints the rows of one job. `beside` adds a comparison with the implementation of that name. */
export function print(rows: readonly Row[], leftOut: readonly string[] = [], beside?: string): void {
  const [first] = rows;
  if (!first) return;
  const own = rows.find(({ impl }) => impl === beside)?.medianMs;
  const width = Math.max(...rows.map(({ impl }) => impl.length));
  process.stdout.write(`\n${first.op}  [${first.shape.join(", ")}]  ${first.dtype}\n`);
  for (const row of rows) {
    const cells = [
      row.impl.padEnd(width),
      `${row.threads} thread${row.threads > 1 ? "s" : " "}`,
      `${row.medianMs.toFixed(4).padStart(10)} ms (${row.minMs.toFixed(4)} to ${row.maxMs.toFixed(4)})`,
      `${row.nsPerElement.toFixed(3).padStart(8)} ns per element`,
      `${row.gbPerS.toFixed(1).padStart(6)} GB/s`,
      `${row.ratioToCopy.toFixed(2).padStart(6)} x copy`,
      ...(own ? [`${(row.medianMs / own).toFixed(2).padStart(6)} x ${beside}`] : []),
    ];
    process.stdout.write(`  ${cells.join("  ")}\n`);
  }
  for (const text of leftOut) process.stdout.write(`  left out: ${text.split("\n")[0]}\n`);
}
