import { useRef } from "preact/hooks";
import { useSize } from "../parts/use-size.ts";
import { numberText, type Term } from "./terms.ts";

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
  const box = useRef<HTMLDivElement>(null);
  const svg = useRef<SVGSVGElement>(null);
  const { width, scale } = useSize(box, 480);
  const x = (i: number) => LEFT + ((i + 0.5) / values.length) * (width - LEFT - RIGHT);
  const y = (value: number) => TOP + ((most - clamp(value, least, most)) / (most - least)) * (HEIGHT - TOP - BOTTOM);
  const ticks = [least, (least + most) / 2, most];
  return (
    <figure class={`plot c${colour}`}>
      <figcaption>
        {title} {line && line.text !== "" && <span class="soft mono">{line.text}</span>}
      </figcaption>
      <div ref={box}>
        <svg
          ref={svg}
          width={width * scale}
          height={HEIGHT * scale}
          viewBox={`0 0 ${width} ${HEIGHT}`}
          role={onChange ? "group" : "img"}
          aria-label={`${title}: ${values.map(numberText).join(", ")}`}
        >
          {ticks.map((tick) => (
            <g key={tick} class="grid">
              <line x1={LEFT} x2={width - RIGHT} y1={y(tick)} y2={y(tick)} />
              <text x={LEFT - 6} y={y(tick) + 4} text-anchor="end">
                {Number(tick.toPrecision(3))}
              </text>
            </g>
          ))}
          {line && (
            <g onPointerEnter={() => lit("mu")} onPointerLeave={() => lit(null)}>
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
          {values.map((value, i) => (
            <g key={i}>
              <line class="stem" x1={x(i)} x2={x(i)} y1={y(line?.at ?? 0)} y2={y(value)} />
              {onChange ? (
                <Handle
                  label={`${symbol} ${i + 1}`}
                  value={value}
                  least={least}
                  most={most}
                  x={x(i)}
                  y={y(value)}
                  valueAt={(clientY) => {
                    const top = svg.current?.getBoundingClientRect().top ?? 0;
                    return most - (((clientY - top) / scale - TOP) / (HEIGHT - TOP - BOTTOM)) * (most - least);
                  }}
                  onMove={(next) => onChange(i, (old) => Math.round(clamp(next(old), least, most) * 100) / 100)}
                />
              ) : (
                <circle class="point" cx={x(i)} cy={y(value)} r={6} />
              )}
              <text x={x(i)} y={HEIGHT - 8} text-anchor="middle">
                {i + 1}
              </text>
            </g>
          ))}
        </svg>
      </div>
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
  readonly valueAt: (clientY: number) => number;
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
      onPointerMove={(event) => event.buttons !== 0 && onMove(() => valueAt(event.clientY))}
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
