import type { Result } from "../case.ts";
import { type Html, html } from "./escape.ts";
import { groupBy, type Report, ratioText } from "./table.ts";

/** Ratios below this are drawn at the left edge, where 0 is; they count as exact. */
const FLOOR = -4;
/**
 * Errors above the bound share this part of the width, however large they are, so that those below it stay readable.
 */
const OVER = 0.16;
/** Points nearer than this, in percent of the width, are drawn as one. */
const GRID = 0.25;
const LANE = 10;

const TICKS = [-4, -3, -2, -1] as const;

/**
 * Draws every comparison as a point: one strip per group, one lane per backend, with error / bound on a logarithmic
 * axis. Positions are in percent and labels are text beside the strips, so that they do not overlap at any width.
 */
export function strips({ backends, results }: Report): Html {
  const number = new Map(backends.map(({ name }, i) => [name, i]));
  const compared = results.filter(({ ratio }) => ratio !== null);
  const rows = [...groupBy(compared, ({ group }) => group)].map(
    ([group, some]) => html`<div class="strip"><span class="name">${group}</span>${strip(some, number)}</div>
`,
  );
  const ticks = [
    ...TICKS.map((log) => [placeOf(10 ** log), log === FLOOR ? "\u22641e-4" : `1e${log}`] as const),
    [placeOf(1), "bound"] as const,
  ];
  const axis = ticks.map(([place, text]) => html`<span style="left:${place}%">${text}</span>`);
  return html`<div class="strips">${rows}<div class="strip axis"><span class="name"></span><div class="ticks">${axis}</div></div></div>`;
}

function strip(results: readonly Result[], number: ReadonlyMap<string, number>): Html {
  const height = LANE * Math.max(number.size, 1) + 6;
  const seen = new Set<string>();
  const points = results
    .toSorted((a, b) => (b.ratio as number) - (a.ratio as number))
    .flatMap((result) => {
      const lane = number.get(result.backend) ?? 0;
      const place = Math.round(placeOf(result.ratio as number) / GRID) * GRID;
      const key = `${lane} ${place}`;
      if (seen.has(key)) return [];
      seen.add(key);
      return [point(result, lane, place)];
    });
  const bound = `${placeOf(1)}%`;
  return html`<svg class="lanes" height="${height}" role="img" aria-label="Error as a fraction of its bound"><rect class="beyond" x="${bound}" y="0" width="${round(100 * OVER)}%" height="${height}"/>${TICKS.map((log) => html`<line class="grid" x1="${placeOf(10 ** log)}%" x2="${placeOf(10 ** log)}%" y1="0" y2="${height}"/>`)}<line class="bound" x1="${bound}" x2="${bound}" y1="0" y2="${height}"/>${points}</svg>`;
}

function point({ backend, id, clause, ratio, status }: Result, lane: number, place: number): Html {
  const failed = status === "failed";
  return html`<circle class="s${lane % 6}${failed ? " over" : ""}" cx="${place}%" cy="${LANE * (lane + 0.5) + 3}" r="${failed ? 3.5 : 2.5}"><title>${backend}: ${id} (${clause}): ${ratioText(ratio)}</title></circle>`;
}

/**
 * The position in percent of the width. Above the bound, one decade is as wide as the next twelve together, because a
 * failure is a failure at any size.
 */
function placeOf(ratio: number): number {
  const log = Math.log10(ratio);
  if (!(log > FLOOR)) return 1;
  if (log <= 0) return round(1 + (99 - 100 * OVER) * (1 - log / FLOOR));
  return round(100 - 100 * OVER * (0.08 + 0.86 / (1 + log)));
}

const round = (x: number) => Math.round(x * 100) / 100;
