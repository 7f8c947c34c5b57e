import type { Row } from "./row.ts";

/**
 * The rows of many kernels and shapes as one Markdown table per implementation, with a line per shape, in nanoseconds
 * per element. Brackets show the multiple of the same kernel's time on one row with as many elements, if that was
 * measured.
 */
export function kernelTables(rows: readonly Row[]): string {
  const kernels = [...new Set(rows.map(({ op }) => op))];
  const shapes = Map.groupBy(rows, ({ shape }) => shape.join(", "));
  const ours = new Map(
    rows.filter(({ impl }) => impl.includes("@bn/") && !isBeside(impl)).map((row) => [keyOf(row), row]),
  );
  const tables: string[] = [];
  for (const [name, { impl, threads, dtype }] of ours) {
    const lines = [
      ["[outer, channels, inner]", "copy", ...kernels.map((op) => op.slice("kernel ".length))],
      Array.from({ length: kernels.length + 2 }, () => "---"),
    ];
    for (const [shape, of] of shapes) {
      const cells = kernels.map((op) => {
        const own = of.find((row) => row.op === op && keyOf(row) === name);
        if (own === undefined) return "";
        const long = of.find((row) => row.op === op && row.impl === `one row (${impl})` && threads === 1);
        const times = long ? ` (${(own.nsPerElement / long.nsPerElement).toFixed(1)})` : "";
        return `${own.nsPerElement.toPrecision(2)}${times}`;
      });
      const copies = of.filter((row) => row.impl.startsWith("copy") && row.threads === threads);
      lines.push([shape, Math.min(...copies.map(({ nsPerElement }) => nsPerElement)).toPrecision(2), ...cells]);
    }
    const title = `${impl}, ${dtype}, ${threads} thread${threads > 1 ? "s" : ""}: nanoseconds per element`;
    tables.push(`${title}\n\n${lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}\n`);
  }
  return tables.join("\n");
}

function isBeside(impl: string): boolean {
  return ["copy", "one row", "as many bytes"].some((name) => impl.startsWith(name));
}

function keyOf({ impl, threads, dtype }: Row): string {
  return `${impl} ${dtype} ${threads}`;
}
