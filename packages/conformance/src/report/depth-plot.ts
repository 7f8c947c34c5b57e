import { type Html, html } from "./escape.ts";
import { ratioText } from "./table.ts";

/** Letters have the same size in each, so a phone gets a plot of its own and not a reduced one. */
const SIZES = [
  { size: "wide", width: 1160, height: 340, most: 16 },
  { size: "narrow", width: 350, height: 280, most: 5 },
] as const;
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 12, 20, 40];
/** Ratios below this are drawn at the bottom, where 0 is; they count as exact. */
const LOWEST = -4;

/** The rules that `depthPlot` needs in a page's style. */
export const DEPTH_STYLE = `
polyline { fill: none; stroke: var(--c); stroke-width: 1.2; stroke-opacity: .45; }
polyline.hollow { stroke-dasharray: 4 4; }
circle.hollow { fill: var(--panel); fill-opacity: 1; stroke: var(--c); }
circle.hollow.over { fill: var(--bad); }
.dot.hollow { background: none; border: 2px solid var(--c); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 0 0 8px; font-size: 13.5px; }
.legend span { display: inline-flex; align-items: center; gap: 6px; }
.plot { min-width: 0; } .plot.narrow { display: none; }
@media (max-width: 900px) { .plot.wide { display: none; } .plot.narrow { display: block; } }
`;

/** A line of the plot. */
export interface DepthSeries {
  readonly name: string;
  /** A class of the page's style: s0 to s5, with "hollow" for a dashed line with hollow points. */
  readonly kind: string;
  /** Whether a ratio above 1 has failed. */
  readonly judged: boolean;
  readonly points: readonly { readonly depth: number; readonly ratio: number; readonly title: string }[];
}

/**
 * Draws errors as fractions of their bounds, on a logarithmic scale, by position in a network of `count` layers, with a
 * legend. The dashed line at 1 is the bound: judged points above it have failed. `axis` names the positions.
 */
export function depthPlot(series: readonly DepthSeries[], count: number, axis: string): Html {
  const names = series.map(({ name, kind }) => html`<span><i class="dot ${kind}"></i>${name}</span>`);
  return html`<div class="legend">${names}</div>${SIZES.map((size) => plot(series, count, axis, size))}`;
}

function plot(
  series: readonly DepthSeries[],
  count: number,
  axis: string,
  { size, width, height, most }: (typeof SIZES)[number],
): Html {
  const places = Math.max(count, 1);
  const logs = series.flatMap(({ points }) => points.map(({ ratio }) => logOf(ratio))).filter(Number.isFinite);
  const floor = Math.max(LOWEST, Math.floor(Math.min(-0.5, ...logs)));
  const ceiling = Math.max(0.1, Math.ceil(Math.max(0, ...logs)));
  const x = (depth: number) => round(LEFT + ((depth + 0.5) / places) * (width - LEFT - RIGHT));
  const y = (log: number) => {
    const shown = Math.min(ceiling, Math.max(floor, log));
    return round(TOP + ((ceiling - shown) / (ceiling - floor)) * (height - TOP - BOTTOM));
  };
  const decades = Array.from({ length: Math.floor(ceiling) - floor + 1 }, (_, i) => floor + i);
  // If there is room, 2 and 5 are labelled between the powers of ten.
  const ticks =
    ceiling - floor > 2 ? decades : decades.flatMap((log) => [log, log + Math.log10(2), log + Math.log10(5)]);
  const step = Math.ceil(places / most);
  const depths = Array.from({ length: Math.ceil(places / step) }, (_, i) => i * step);
  return html`<svg class="plot ${size}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Error as a fraction of its bound, by depth">
${ticks.filter((log) => log <= ceiling).map((log) => html`<line class="grid" x1="${LEFT}" x2="${width - RIGHT}" y1="${y(log)}" y2="${y(log)}"/><text x="${LEFT - 8}" y="${y(log) + 4}" text-anchor="end">${tickText(log)}</text>`)}
<line class="bound" x1="${LEFT}" x2="${width - RIGHT}" y1="${y(0)}" y2="${y(0)}"/><text class="name" x="${width - RIGHT}" y="${y(0) - 5}" text-anchor="end">1: the bound</text>
${depths.map((depth) => html`<text x="${x(depth)}" y="${height - BOTTOM + 18}" text-anchor="middle">${depth + 1}</text>`)}
<text class="name" x="${(width + LEFT) / 2}" y="${height - 4}" text-anchor="middle">${axis}</text>
${series.map(({ points, kind }) => html`<polyline class="${kind}" points="${points.map(({ depth, ratio }) => `${x(depth)},${y(logOf(ratio))}`).join(" ")}"/>`)}
${series.flatMap(({ points, kind, judged }) =>
  points.map(({ depth, ratio, title }) => {
    const over = judged && !(ratio <= 1);
    return html`<circle class="${kind}${over ? " over" : ""}" cx="${x(depth)}" cy="${y(logOf(ratio))}" r="${over ? 4 : 2.6}"><title>${title}: ${ratioText(ratio)}</title></circle>
`;
  }),
)}
</svg>`;
}

const logOf = (ratio: number) => (ratio > 0 ? Math.log10(ratio) : Number.NEGATIVE_INFINITY);
const round = (value: number) => Math.round(value * 10) / 10;
const tickText = (log: number) => (log === 0 ? "1" : log === LOWEST ? `≤1e${log}` : ratioText(10 ** log));
