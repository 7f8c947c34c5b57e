import { type Html, html, ratioText } from "@bn/conformance/report";

const WIDTH = 1160;
const HEIGHT = 340;
const [LEFT, RIGHT, TOP, BOTTOM] = [60, 16, 18, 40];
/** Ratios below this are drawn at the bottom, where 0 is. */
const LOWEST = -4;

/**
 * A line of the plot. `kind` is a class of the page's style: s0 to s5, with "hollow" for points that are not judged.
 */
export interface DepthSeries {
  readonly name: string;
  readonly kind: string;
  readonly points: readonly { readonly depth: number; readonly ratio: number; readonly title: string }[];
}

/**
 * Draws errors as fractions of their bounds, on a logarithmic scale, by position in the network. The dashed line is the
 * bound.
 */
export function depthPlot(series: readonly DepthSeries[], count: number, axis: string): Html {
  const logs = series.flatMap(({ points }) => points.map(({ ratio }) => logOf(ratio))).filter(Number.isFinite);
  const floor = Math.max(LOWEST, Math.floor(Math.min(-0.5, ...logs)));
  const ceiling = Math.max(0.1, Math.ceil(Math.max(0, ...logs)));
  const places = Math.max(count, 1);
  const x = (depth: number) => round(LEFT + ((depth + 0.5) / places) * (WIDTH - LEFT - RIGHT));
  const y = (log: number) => {
    const shown = Math.min(ceiling, Math.max(floor, log));
    return round(TOP + ((ceiling - shown) / (ceiling - floor)) * (HEIGHT - TOP - BOTTOM));
  };
  const decades = Array.from({ length: Math.floor(ceiling) - floor + 1 }, (_, i) => floor + i);
  // If there is room, 2 and 5 are labelled between the powers of ten.
  const ticks =
    ceiling - floor > 2 ? decades : decades.flatMap((log) => [log, log + Math.log10(2), log + Math.log10(5)]);
  const step = Math.ceil(places / 16);
  const depths = Array.from({ length: Math.ceil(places / step) }, (_, i) => i * step);
  return html`<svg class="plot" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Error as a fraction of its bound, by depth">
${ticks.filter((log) => log <= ceiling).map((log) => html`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(log)}" y2="${y(log)}"/><text x="${LEFT - 8}" y="${y(log) + 4}" text-anchor="end">${tickText(log)}</text>`)}
<line class="bound" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(0)}" y2="${y(0)}"/>
${depths.map((depth) => html`<text x="${x(depth)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${depth + 1}</text>`)}
<text class="name" x="${(WIDTH + LEFT) / 2}" y="${HEIGHT - 4}" text-anchor="middle">${axis}</text>
${series.map(({ points, kind }) => html`<polyline class="${kind}" points="${points.map(({ depth, ratio }) => `${x(depth)},${y(logOf(ratio))}`).join(" ")}"/>`)}
${series.flatMap(({ points, kind }) => points.map(({ depth, ratio, title }) => dot(title, ratio, kind, x(depth), y(logOf(ratio)))))}
</svg>`;
}

function dot(title: string, ratio: number, kind: string, cx: number, cy: number): Html {
  const over = !(ratio <= 1) && !kind.includes("hollow");
  return html`<circle class="${kind}${over ? " over" : ""}" cx="${cx}" cy="${cy}" r="${over ? 4 : 2.6}"><title>${title}: ${ratioText(ratio)}</title></circle>
`;
}

const logOf = (ratio: number) => (ratio > 0 ? Math.log10(ratio) : Number.NEGATIVE_INFINITY);
const round = (value: number) => Math.round(value * 10) / 10;
const tickText = (log: number) => (log === 0 ? "bound" : log === LOWEST ? `≤1e${log}` : ratioText(10 ** log));
