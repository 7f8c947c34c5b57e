import type { Row } from "./row.ts";
import { escapeXml, svgFile } from "./svg.ts";

const WIDTH = 940;
const BAR = 16;
const LABEL = 250;

/** Draws horizontal bars, with one group per op and shape; shorter is better. */
export function barChart(rows: readonly Row[], caption: string): string {
  const groups = Map.groupBy(rows, (row) => `${row.op}  [${row.shape.join(", ")}]  ${row.dtype}`);
  const parts: string[] = [];
  let y = 44;
  for (const [title, group] of groups) {
    const longest = Math.max(...group.map((row) => row.medianMs));
    parts.push(`<text x="8" y="${y + 12}" font-weight="600">${escapeXml(title)}</text>`);
    y += 20;
    for (const row of [...group].sort((a, b) => a.medianMs - b.medianMs)) {
      const width = Math.max(1, (row.medianMs / longest) * (WIDTH - LABEL - 230));
      const kind = row.impl.startsWith("copy") ? "copy" : row.impl.startsWith("@bn") ? "ours" : "peer";
      const label = row.threads > 1 ? `${row.impl}, ${row.threads} threads` : row.impl;
      const value = `${row.medianMs.toPrecision(3)} ms, ${row.gbPerS.toPrecision(3)} GB/s, ${row.ratioToCopy.toFixed(2)} x copy`;
      parts.push(
        `<text x="${LABEL - 8}" y="${y + 12}" text-anchor="end">${escapeXml(label)}</text>`,
        `<rect class="${kind}" x="${LABEL}" y="${y + 2}" width="${width.toFixed(1)}" height="${BAR - 3}" rx="2"/>`,
        `<text class="value" x="${(LABEL + width + 6).toFixed(1)}" y="${y + 12}">${value}</text>`,
      );
      y += BAR + 2;
    }
    y += 14;
  }
  const light = ".value{fill:#59636e}.copy{fill:#8c959f}.ours{fill:#0969da}.peer{fill:#d1a054}";
  const dark = ".value{fill:#9198a1}.ours{fill:#4493f8}";
  return svgFile({ width: WIDTH, height: y }, caption, { light, dark }, parts);
}
