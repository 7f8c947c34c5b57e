import { Drawing, Lines } from "../parts/drawing.tsx";
import type { Outcome } from "./compute.ts";
import { lights, numberText, TERMS, type Term } from "./terms.ts";

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
  const reach = scaleOf(outcome);
  const y = (value: number) => TOP + ((reach - value) / (2 * reach)) * (HEIGHT - TOP - BOTTOM);
  return (
    <figure class="plot bars">
      <figcaption>dx, and the terms that it is made of</figcaption>
      <ul class="legend">
        {PARTS.map(([term], i) => (
          <li key={term}>
            <button type="button" {...lights(lit, term)}>
              <i class={`swatch s${i}`} />
              {TERMS[term]}
            </button>
          </li>
        ))}
        <li>
          <i class="swatch total" /> dx, their sum
        </li>
      </ul>
      <Drawing
        label={`dx: ${outcome.dx.map(numberText).join(", ")}`}
        height={HEIGHT}
        draw={(width) => {
          const slot = (width - LEFT - RIGHT) / outcome.dx.length;
          return (
            <>
              <Lines
                ticks={[-reach, 0, reach]}
                y={y}
                from={LEFT}
                to={width - RIGHT}
                text={(tick) => Number(tick.toPrecision(2))}
              />
              {outcome.dx.map((_, i) => (
                <Bar
                  key={i}
                  outcome={outcome}
                  i={i}
                  left={LEFT + (i + 0.2) * slot}
                  width={0.6 * slot}
                  y={y}
                  lit={lit}
                />
              ))}
            </>
          );
        }}
      />
    </figure>
  );
}

interface BarProps {
  readonly outcome: Outcome;
  readonly i: number;
  readonly left: number;
  readonly width: number;
  readonly y: (value: number) => number;
  readonly lit: (term: Term | null) => void;
}

/** The terms of one dx, and its mark. */
function Bar({ outcome, i, left, width, y, lit }: BarProps) {
  const wide = Math.max(1, width);
  const total = y(outcome.dx[i] ?? 0);
  let [up, down] = [0, 0];
  return (
    <g>
      {PARTS.map(([term, key], colour) => {
        const value = outcome[key][i] ?? 0;
        const from = value >= 0 ? up : down;
        const to = from + value;
        if (value >= 0) up = to;
        else down = to;
        const [top, bottom] = [y(Math.max(from, to)), y(Math.min(from, to))];
        return (
          <rect
            key={term}
            class={`part s${colour} ${term} t-${term}`}
            x={left}
            width={wide}
            y={top}
            height={Math.max(0, bottom - top)}
            {...lights(lit, term)}
          >
            <title>{`${TERMS[term]}: ${numberText(value)}`}</title>
          </rect>
        );
      })}
      <line class="total" x1={left - 3} x2={left + wide + 3} y1={total} y2={total} />
      <text x={left + wide / 2} y={HEIGHT - 8} text-anchor="middle">
        {i + 1}
      </text>
    </g>
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
