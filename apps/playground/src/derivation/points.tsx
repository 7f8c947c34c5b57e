import { Drawing, Lines } from "../parts/drawing.tsx";
import { lights, numberText, type Term } from "./terms.ts";

export interface PointsProps {
  readonly title: string;
  /** The symbol of a value: `x`, `dy`. */
  readonly symbol: string;
  readonly values: readonly number[];
  readonly least: number;
  readonly most: number;
  /** If absent, the points are results and cannot be moved. */
  readonly onChange?: (index: number, next: (old: number) => number) => void;
  /** A line across the plot, and a band of this width on both sides. */
  readonly line?: { readonly at: number; readonly spread: number; readonly text: string } | undefined;
  readonly colour: number;
  readonly lit: (term: Term | null) => void;
}

const HEIGHT = 220;
const [LEFT, RIGHT, TOP, BOTTOM] = [44, 12, 14, 26];

/** Eight values as points over their index. Each point that can be moved is a slider for pointer and keyboard. */
export function Points({ title, symbol, values, least, most, onChange, line, colour, lit }: PointsProps) {
  const y = (value: number) => TOP + ((most - clamp(value, least, most)) / (most - least)) * (HEIGHT - TOP - BOTTOM);
  return (
    <figure class={`plot s${colour}`}>
      <figcaption>
        {title} {line && line.text !== "" && <span class="soft mono">{line.text}</span>}
      </figcaption>
      <Drawing
        label={`${title}: ${values.map(numberText).join(", ")}`}
        height={HEIGHT}
        role={onChange ? "group" : "img"}
        draw={(width, scale) => (
          <>
            <Lines
              ticks={[least, (least + most) / 2, most]}
              y={y}
              from={LEFT}
              to={width - RIGHT}
              text={(tick) => Number(tick.toPrecision(3))}
            />
            {line && (
              <g {...lights(lit, "mu")}>
                <rect
                  class="band t-variance"
                  x={LEFT}
                  width={Math.max(0, width - LEFT - RIGHT)}
                  y={y(line.at + line.spread)}
                  height={Math.max(0, y(line.at - line.spread) - y(line.at + line.spread))}
                />
                <line class="mean t-mu" x1={LEFT} x2={width - RIGHT} y1={y(line.at)} y2={y(line.at)} />
              </g>
            )}
            {values.map((value, i) => {
              const x = LEFT + ((i + 0.5) / values.length) * (width - LEFT - RIGHT);
              return (
                <g key={i}>
                  <line class="stem" x1={x} x2={x} y1={y(line?.at ?? 0)} y2={y(value)} />
                  {onChange ? (
                    <Handle
                      label={`${symbol} ${i + 1}`}
                      value={value}
                      least={least}
                      most={most}
                      x={x}
                      y={y(value)}
                      valueAt={(pixels) => most - ((pixels / scale - TOP) / (HEIGHT - TOP - BOTTOM)) * (most - least)}
                      onMove={(next) => onChange(i, (old) => Math.round(clamp(next(old), least, most) * 100) / 100)}
                    />
                  ) : (
                    <circle class="point" cx={x} cy={y(value)} r={6} />
                  )}
                  <text x={x} y={HEIGHT - 8} text-anchor="middle">
                    {i + 1}
                  </text>
                </g>
              );
            })}
          </>
        )}
      />
    </figure>
  );
}

interface HandleProps {
  readonly label: string;
  readonly value: number;
  readonly least: number;
  readonly most: number;
  readonly x: number;
  readonly y: number;
  /** The value at a distance from the top of the drawing, in CSS pixels. */
  readonly valueAt: (pixels: number) => number;
  /** Changes the current value: keys may come faster than the page is drawn. */
  readonly onMove: (next: (old: number) => number) => void;
}

/** The step of each key, in hundredths of the range. */
const STEPS: Readonly<Record<string, number>> = {
  ArrowUp: 1,
  ArrowRight: 1,
  ArrowDown: -1,
  ArrowLeft: -1,
  PageUp: 10,
  PageDown: -10,
  Home: -100,
  End: 100,
};

function Handle({ label, value, least, most, x, y, valueAt, onMove }: HandleProps) {
  return (
    <circle
      class="point movable"
      cx={x}
      cy={y}
      r={9}
      role="slider"
      tabindex={0} // the spelling that SVG uses
      aria-label={label}
      aria-valuemin={least}
      aria-valuemax={most}
      aria-valuenow={value}
      aria-orientation="vertical"
      onPointerDown={(event) => {
        event.preventDefault();
        event.currentTarget.focus();
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => {
        const top = event.currentTarget.ownerSVGElement?.getBoundingClientRect().top ?? 0;
        if (event.buttons !== 0) onMove(() => valueAt(event.clientY - top));
      }}
      onKeyDown={(event) => {
        const steps = STEPS[event.key];
        if (steps === undefined) return;
        event.preventDefault();
        onMove((old) => old + (steps * (most - least)) / 100);
      }}
    />
  );
}

const clamp = (value: number, least: number, most: number) => Math.min(most, Math.max(least, value));
