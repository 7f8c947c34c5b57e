import { type Html, html } from "@bn/conformance/report";
import type { Spread } from "@bn/onnx/calibrate";
import { numberText } from "./calibrate-report.ts";

const WIDTH = 1160;
const HEIGHT = 300;
const [LEFT, RIGHT, TOP, BOTTOM] = [70, 16, 18, 40];

/** How numbers become heights. */
export interface Scale {
  readonly name: string;
  /** A monotonic function. */
  place(value: number): number;
  readonly ticks: readonly number[];
  /** The range that is always shown. */
  readonly least: readonly [number, number];
  /** The value that means no change. */
  readonly neutral: number;
}

/** Draws, per node in the network's order, a bar from the smallest to the largest value and a dot at the median. */
export function spreadPlot(rows: readonly { readonly name: string; readonly spread: Spread }[], scale: Scale): Html {
  const ends = rows
    .flatMap(({ spread }) => [spread.least, spread.most])
    .map(scale.place)
    .filter(Number.isFinite);
  const low = Math.min(scale.place(scale.least[0]), ...ends);
  const high = Math.max(scale.place(scale.least[1]), ...ends);
  const y = (value: number) => {
    const at = scale.place(value);
    // Infinite values are drawn at the edge.
    const shown = Number.isNaN(at) ? high : Math.min(high, Math.max(low, at));
    return round(TOP + ((high - shown) / (high - low)) * (HEIGHT - TOP - BOTTOM));
  };
  const x = (i: number) => round(LEFT + ((i + 0.5) / Math.max(1, rows.length)) * (WIDTH - LEFT - RIGHT));
  const ticks = scale.ticks.filter((value) => scale.place(value) >= low && scale.place(value) <= high);
  const step = Math.max(1, Math.ceil(rows.length / 16));
  return html`<svg class="plot" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${scale.name}, by node">
${ticks.map((value) => html`<line class="${value === scale.neutral ? "bound" : "grid"}" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}"/><text x="${LEFT - 8}" y="${y(value) + 4}" text-anchor="end">${numberText(value)}</text>`)}
${rows.map(
  (
    { name, spread },
    i,
  ) => html`<line class="bar" x1="${x(i)}" x2="${x(i)}" y1="${y(spread.least)}" y2="${y(spread.most)}"/><circle class="median" cx="${x(i)}" cy="${y(spread.median)}" r="3"><title>${i + 1}: ${name}: ${numberText(spread.median)}, from ${numberText(spread.least)} to ${numberText(spread.most)}</title></circle>
`,
)}
${rows.flatMap((_, i) => (i % step === 0 ? [html`<text x="${x(i)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${i + 1}</text>`] : []))}
<text class="name" x="${(WIDTH + LEFT) / 2}" y="${HEIGHT - 4}" text-anchor="middle">node, in the order of the network</text>
</svg>`;
}

const round = (value: number) => Math.round(value * 10) / 10;
