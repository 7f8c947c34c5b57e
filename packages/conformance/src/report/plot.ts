import type { Result } from "../case.ts";
import { type Html, html } from "./escape.ts";
import { groupBy, type Report, ratioText } from "./table.ts";

const WIDTH = 1160;
const HEIGHT = 340;
const LEFT = 52;
const RIGHT = 12;
const TOP = 34;
const BOTTOM = 30;
/** What lies over the bound gets this part of the height, however far it goes: what lies under it stays readable. */
const OVER = 0.3;
/** Ratios below lie on the floor, as 0 does: they say "exact" and no more. */
const FLOOR = -4;

/**
 * Every comparison as a point: cases along x in the order of their groups, error / bound up y, on a log scale. The line
 * at 1 is the bound; what lies over it has failed. Cases without numbers have no point.
 */
export function plot({ backends, results }: Report): Html {
  const groups = [...groupBy(results, (r) => r.group)].map(([group, some]) => ({
    group,
    ids: [...new Set(some.map(({ id }) => id))],
  }));
  const count = groups.reduce((sum, { ids }) => sum + ids.length, 0);
  const finite = results
    .map(({ ratio }) => ratio)
    .filter((r): r is number => r !== null && Number.isFinite(r) && r > 0);
  const top = Math.ceil(finite.reduce((max, r) => Math.max(max, Math.log10(r)), 0));
  // One decade more than the largest: there lie the infinite ones.
  const ceiling = results.some((r) => r.ratio !== null && r.ratio > 1) ? top + 1 : 0.25;
  const xOf = (place: number) => round(LEFT + ((place + 0.5) / Math.max(count, 1)) * (WIDTH - LEFT - RIGHT));
  const over = ceiling < 1 ? 0.05 : OVER;
  const yOf = (log: number) => {
    const part = log > 0 ? over * (1 - log / ceiling) : over + (1 - over) * (log / FLOOR);
    return round(TOP + part * (HEIGHT - TOP - BOTTOM));
  };

  const places = new Map(groups.flatMap(({ ids }) => ids).map((id, place) => [id, place]));
  const number = new Map(backends.map(({ name }, i) => [name, i]));
  const point = (r: Result) => {
    const ratio = r.ratio as number;
    const log = Math.min(ceiling * 0.95, Math.max(FLOOR, Math.log10(ratio)));
    const failed = r.status === "failed";
    const series = (number.get(r.backend) ?? 0) % 6;
    return html`<circle class="s${series}${failed ? " over" : ""}" cx="${xOf(places.get(r.id) ?? 0)}" cy="${yOf(log)}" r="${failed ? 3.5 : 2}"><title>${r.backend}: ${r.id} (${r.clause}): ${ratioText(ratio)}</title></circle>`;
  };
  const compared = results.filter(({ ratio }) => ratio !== null);
  // Failures last: they lie on top.
  const points = [...compared.filter((r) => r.status !== "failed"), ...compared.filter((r) => r.status === "failed")];

  const ticks = [...range(FLOOR, 0, 1), ...range(0, ceiling, Math.ceil(ceiling / 3)).slice(1)];
  return html`<svg class="plot" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Error as a fraction of its bound, for each case">
${bands(groups, xOf, count)}
${ticks.map((log) => html`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${yOf(log)}" y2="${yOf(log)}"/><text x="${LEFT - 8}" y="${yOf(log) + 4}" text-anchor="end">${tickText(log)}</text>`)}
<line class="bound" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${yOf(0)}" y2="${yOf(0)}"/>
${points.map(point)}
</svg>`;
}

function bands(
  groups: readonly { group: string; ids: readonly string[] }[],
  xOf: (n: number) => number,
  count: number,
) {
  let start = 0;
  const half = (WIDTH - LEFT - RIGHT) / Math.max(count, 1) / 2;
  // Names of narrow neighbours would overlap: each takes the first of two lines where it fits.
  const ends = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  return groups.map(({ group, ids }, i) => {
    const left = round(xOf(start) - half);
    start += ids.length;
    const width = round(xOf(start) - half - left);
    const middle = Math.min(Math.max(left + width / 2, LEFT + group.length * 3.2), WIDTH - RIGHT - group.length * 3.2);
    const line = Math.max(
      0,
      ends.findIndex((end) => end < middle - group.length * 3.2),
    );
    ends[line] = middle + group.length * 3.2 + 8;
    const y = line === 0 ? TOP - 8 : line === 1 ? HEIGHT - BOTTOM + 18 : TOP - 20;
    return html`<rect class="band${i % 2}" x="${left}" y="${TOP}" width="${width}" height="${HEIGHT - TOP - BOTTOM}"><title>${group}: ${ids.length} cases</title></rect><text class="name" x="${round(middle)}" y="${y}" text-anchor="middle">${group}</text>`;
  });
}

const round = (x: number) => Math.round(x * 10) / 10;
const tickText = (log: number) =>
  log === 0 ? "bound" : log === FLOOR ? `≤1e${FLOOR}` : log < 0 ? `1e${log}` : `1e+${log}`;

function range(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);
}
