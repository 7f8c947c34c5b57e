import { type Html, html, ratioText } from "@bn/conformance/report";
import { type Finding, findings } from "./findings.ts";
import type { VerifyReport } from "./report.ts";

/** The size in CSS pixels, and the number of labelled depths. */
export interface PlotSize {
  readonly name: "wide" | "narrow";
  readonly width: number;
  readonly height: number;
  readonly depths: number;
}

/** Letters have the same size in each, so a phone gets a plot of its own and not a reduced one. */
export const PLOT_SIZES: readonly PlotSize[] = [
  { name: "wide", width: 1160, height: 340, depths: 16 },
  { name: "narrow", width: 350, height: 280, depths: 5 },
];
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 12, 20, 40];
/** Ratios below this are drawn at the bottom, where 0 is; they count as exact. */
const LOWEST = -4;

/** A line of the plot: one result compared with another. */
interface Series {
  readonly name: string;
  /** Colours distinguish the results. Lines against ONNX Runtime are dashed, with hollow points. */
  readonly kind: string;
  readonly points: readonly Finding[];
}

/** ONNX Runtime, then each backend, compared with float64 and with ONNX Runtime. */
export function seriesOf(report: VerifyReport): Series[] {
  const lines = new Map<string, Finding[]>();
  for (const finding of findings(report)) {
    const name = `${finding.who} against ${finding.against}`;
    const line = lines.get(name);
    if (line) line.push(finding);
    else lines.set(name, [finding]);
  }
  const who = [...new Set([...lines.values()].map(([first]) => first?.who))];
  return [...lines].map(([name, points]) => {
    const [first] = points;
    const hollow = first?.against === "ONNX Runtime" ? " hollow" : "";
    return { name, kind: `s${who.indexOf(first?.who) % 6}${hollow}`, points };
  });
}

/**
 * Draws the error as a fraction of its bound, on a logarithmic scale, by the node's position in the network. The dashed
 * line at 1 is the bound: points above it have failed.
 */
export function depthPlot(report: VerifyReport, { name: size, width, height, depths: most }: PlotSize): Html {
  const series = seriesOf(report);
  const count = Math.max(report.rows.length, 1);
  const logs = series.flatMap(({ points }) => points.map(({ comparison }) => logOf(comparison.ratio)));
  const finite = logs.filter(Number.isFinite);
  const floor = Math.max(LOWEST, Math.floor(Math.min(-0.5, ...finite)));
  const ceiling = Math.max(0.1, Math.ceil(Math.max(0, ...finite)));
  const x = (depth: number) => round(LEFT + ((depth + 0.5) / count) * (width - LEFT - RIGHT));
  const y = (log: number) => {
    const shown = Math.min(ceiling, Math.max(floor, log));
    return round(TOP + ((ceiling - shown) / (ceiling - floor)) * (height - TOP - BOTTOM));
  };
  const decades = Array.from({ length: Math.floor(ceiling) - floor + 1 }, (_, i) => floor + i);
  // If there is room, 2 and 5 are labelled between the powers of ten.
  const ticks =
    ceiling - floor > 2 ? decades : decades.flatMap((log) => [log, log + Math.log10(2), log + Math.log10(5)]);
  const step = Math.ceil(count / most);
  const depths = Array.from({ length: Math.ceil(count / step) }, (_, i) => i * step);
  return html`<svg class="plot ${size}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Error as a fraction of its bound, by depth">
${ticks.filter((log) => log <= ceiling).map((log) => html`<line class="grid" x1="${LEFT}" x2="${width - RIGHT}" y1="${y(log)}" y2="${y(log)}"/><text x="${LEFT - 8}" y="${y(log) + 4}" text-anchor="end">${tickText(log)}</text>`)}
<line class="bound" x1="${LEFT}" x2="${width - RIGHT}" y1="${y(0)}" y2="${y(0)}"/><text class="name" x="${width - RIGHT}" y="${y(0) - 5}" text-anchor="end">1: the bound</text>
${depths.map((depth) => html`<text x="${x(depth)}" y="${height - BOTTOM + 18}" text-anchor="middle">${depth + 1}</text>`)}
<text class="name" x="${(width + LEFT) / 2}" y="${height - 4}" text-anchor="middle">node, in the order of the network</text>
${series.map(({ points, kind }) => html`<polyline class="${kind}" points="${points.map(({ depth, comparison }) => `${x(depth)},${y(logOf(comparison.ratio))}`).join(" ")}"/>`)}
${series.flatMap(({ name, points, kind }) => points.map((point) => dot(point, name, kind, x(point.depth), y(logOf(point.comparison.ratio)))))}
</svg>`;
}

function dot({ depth, row, comparison }: Finding, name: string, kind: string, cx: number, cy: number): Html {
  const over = !(comparison.ratio <= 1);
  const title = `${depth + 1}: ${row.node}, ${name}: ${ratioText(comparison.ratio)}`;
  return html`<circle class="${kind}${over ? " over" : ""}" cx="${cx}" cy="${cy}" r="${over ? 4 : 2.6}"><title>${title}</title></circle>
`;
}

const logOf = (ratio: number) => (ratio > 0 ? Math.log10(ratio) : Number.NEGATIVE_INFINITY);
const round = (value: number) => Math.round(value * 10) / 10;
const tickText = (log: number) => (log === 0 ? "1" : log === LOWEST ? `≤1e${log}` : ratioText(10 ** log));
