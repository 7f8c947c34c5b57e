import { escapeXml, svgFile } from "./svg.ts";

/** A point of a curve: the varied quantity, and nanoseconds per element. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Plot {
  readonly title: string;
  /** Curves by name, in the order of the legend. The curve named "copy" is dashed. */
  readonly curves: ReadonlyMap<string, readonly Point[]>;
}

const WIDTH = 860;
const HEIGHT = 300;
const [LEFT, RIGHT, TOP, BOTTOM] = [56, 130, 34, 40] as const;
const COLOURS = ["#0969da", "#1a7f37", "#8250df", "#bf3989", "#9a6700", "#cf222e"];

/** Draws plots one below the other, with both axes logarithmic. */
export function curves(plots: readonly Plot[], caption: string): string {
  const parts = plots.map((plot, i) => `<g transform="translate(0 ${34 + i * HEIGHT})">${one(plot)}</g>`);
  const light = ".grid{stroke:#d1d9e0}.copy{stroke:#59636e;stroke-dasharray:5 3}path{stroke-width:1.6}";
  const dark = ".grid{stroke:#3d444d}.copy{stroke:#9198a1}";
  return svgFile({ width: WIDTH, height: 34 + plots.length * HEIGHT }, caption, { light, dark }, parts);
}

function one({ title, curves: byName }: Plot): string {
  const points = [...byName.values()].flat();
  const across = axis(
    points.map(({ x }) => x),
    LEFT,
    WIDTH - RIGHT,
  );
  const up = axis(
    points.map(({ y }) => y),
    HEIGHT - BOTTOM,
    TOP,
  );
  const parts = [`<text x="8" y="16" font-weight="600">${escapeXml(title)}; ns per element</text>`];
  for (const tick of ticksOf(up.low, up.high, [1, 2, 5])) {
    const y = up.at(tick).toFixed(1);
    parts.push(
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}"/>`,
      `<text x="${LEFT - 6}" y="${y}" dy="4" text-anchor="end">${tick}</text>`,
    );
  }
  for (const tick of powersOfFour(across.low, across.high)) {
    const x = across.at(tick).toFixed(1);
    parts.push(`<text x="${x}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${shortened(tick)}</text>`);
  }
  for (const [i, [name, list]] of [...byName].entries()) {
    const path = list
      .map(({ x, y }, k) => `${k ? "L" : "M"}${across.at(x).toFixed(1)} ${up.at(y).toFixed(1)}`)
      .join("");
    const colour = name === "copy" ? 'class="copy"' : `stroke="${COLOURS[i % COLOURS.length]}"`;
    const y = TOP + 8 + i * 16;
    const x = WIDTH - RIGHT + 12;
    parts.push(
      `<path fill="none" ${colour} d="${path}"/>`,
      `<path fill="none" ${colour} d="M${x} ${y}h18"/><text x="${x + 24}" y="${y + 4}">${escapeXml(name)}</text>`,
    );
  }
  return parts.join("\n");
}

/** A logarithmic scale from the smallest of `values` at `from` to the largest at `to`. */
function axis(values: readonly number[], from: number, to: number) {
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = Math.max(
    values.reduce((a, b) => Math.max(a, b)),
    low * 1.01,
  );
  return { low, high, at: (value: number) => from + (Math.log(value / low) / Math.log(high / low)) * (to - from) };
}

function ticksOf(low: number, high: number, steps: readonly number[]): number[] {
  const ticks: number[] = [];
  for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e++) {
    for (const step of steps) ticks.push(Number((step * 10 ** e).toPrecision(3)));
  }
  return ticks.filter((tick) => tick >= low && tick <= high);
}

function powersOfFour(low: number, high: number): number[] {
  const ticks: number[] = [];
  for (let tick = 1; tick <= high; tick *= 4) if (tick >= low) ticks.push(tick);
  return ticks;
}

function shortened(n: number): string {
  return n >= 2 ** 20 ? `${n / 2 ** 20} Mi` : n >= 2 ** 10 ? `${n / 2 ** 10} Ki` : String(n);
}
