import { useRef } from "preact/hooks";
import { useSize } from "../parts/use-size.ts";
import type { Outcome } from "./compute.ts";
import { numberText, TERMS, type Term } from "./terms.ts";

const HEIGHT = 220;
const [LEFT, RIGHT, TOP, BOTTOM] = [44, 12, 14, 26];
const PARTS = [
  ["direct", "direct"],
  ["through-mean", "throughMean"],
  ["through-variance", "throughVariance"],
] as const satisfies readonly (readonly [Term, keyof Outcome])[];

/**
 * Draws dx as stacked bars of its three terms. Positive terms go up from zero, negative ones down, and a mark shows the
 * sum.
 */
export function Bars({ outcome, lit }: { readonly outcome: Outcome; readonly lit: (term: Term | null) => void }) {
  const box = useRef<HTMLDivElement>(null);
  const { width, scale } = useSize(box, 480);
  const count = outcome.dx.length;
  const reach = scaleOf(outcome);
  const slot = (width - LEFT - RIGHT) / count;
  const y = (value: number) => TOP + ((reach - value) / (2 * reach)) * (HEIGHT - TOP - BOTTOM);
  return (
    <figure class="plot bars">
      <figcaption>dx, and the terms that it is made of</figcaption>
      <ul class="legend">
        {PARTS.map(([term]) => (
          <li key={term}>
            <button
              type="button"
              onPointerEnter={() => lit(term)}
              onPointerLeave={() => lit(null)}
              onFocus={() => lit(term)}
              onBlur={() => lit(null)}
            >
              <i class={`swatch ${term}`} />
              {TERMS[term]}
            </button>
          </li>
        ))}
        <li>
          <i class="swatch total" /> dx, their sum
        </li>
      </ul>
      <div ref={box}>
        <svg
          width={width * scale}
          height={HEIGHT * scale}
          viewBox={`0 0 ${width} ${HEIGHT}`}
          role="img"
          aria-label={`dx: ${outcome.dx.map(numberText).join(", ")}`}
        >
          {[-reach, 0, reach].map((tick) => (
            <g key={tick} class="grid">
              <line x1={LEFT} x2={width - RIGHT} y1={y(tick)} y2={y(tick)} />
              <text x={LEFT - 6} y={y(tick) + 4} text-anchor="end">
                {Number(tick.toPrecision(2))}
              </text>
            </g>
          ))}
          {outcome.dx.map((total, i) => {
            const left = LEFT + i * slot + slot * 0.2;
            const wide = Math.max(1, slot * 0.6);
            let [up, down] = [0, 0];
            return (
              <g key={i}>
                {PARTS.map(([term, key]) => {
                  const value = outcome[key][i] ?? 0;
                  const from = value >= 0 ? up : down;
                  const to = from + value;
                  if (value >= 0) up = to;
                  else down = to;
                  return (
                    <rect
                      key={term}
                      class={`part ${term} t-${term}`}
                      x={left}
                      width={wide}
                      y={y(Math.max(from, to))}
                      height={Math.max(0, y(Math.min(from, to)) - y(Math.max(from, to)))}
                      onPointerEnter={() => lit(term)}
                      onPointerLeave={() => lit(null)}
                    >
                      <title>{`${TERMS[term]}: ${numberText(value)}`}</title>
                    </rect>
                  );
                })}
                <line class="total" x1={left - 3} x2={left + wide + 3} y1={y(total)} y2={y(total)} />
                <text x={left + wide / 2} y={HEIGHT - 8} text-anchor="middle">
                  {i + 1}
                </text>
              </g>
            );
          })}
        </svg>
      </div>
    </figure>
  );
}

/** The smallest of 1, 2, 5, 10, ... that holds every bar, so that the axis changes seldom. */
function scaleOf({ direct, throughMean, throughVariance }: Outcome): number {
  const sizes = direct.map((_, i) => {
    const parts = [direct[i] ?? 0, throughMean[i] ?? 0, throughVariance[i] ?? 0];
    const side = (sign: number) => parts.reduce((sum, part) => sum + Math.max(0, sign * part), 0);
    return Math.max(side(1), side(-1));
  });
  const most = Math.max(1e-6, ...sizes.filter(Number.isFinite));
  const power = 10 ** Math.floor(Math.log10(most));
  return power * ([1, 2, 5, 10].find((step) => step * power >= most) ?? 10);
}
