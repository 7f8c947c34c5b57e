import { Drawing, Lines } from "./drawing.tsx";

interface Curve {
  readonly name: string;
  /** Values by the index of `x`; null if nothing was measured. */
  readonly values: readonly (number | null)[];
}

export interface ChartProps {
  readonly label: string;
  /** The x values, which must be positive because the axis is logarithmic. */
  readonly x: readonly number[];
  readonly curves: readonly Curve[];
  readonly xLabel: string;
  readonly yLabel: string;
  readonly yLog?: boolean;
  /** The least upper end of the y axis if it is not logarithmic. */
  readonly yMost?: number;
  /** A vertical line. */
  readonly at?: number;
}

const HEIGHT = 340;
const [LEFT, RIGHT, TOP, BOTTOM] = [56, 14, 12, 46];

/** Draws curves over a logarithmic axis. A table next to it shows the numbers, for users who cannot see it. */
export function Chart({ label, x, curves, xLabel, yLabel, yLog = false, yMost = 1, at }: ChartProps) {
  const all = curves.flatMap(({ values }) => values.filter((value) => value !== null));
  const ys = yLog ? logAxis(all, HEIGHT - BOTTOM, TOP) : linearAxis(Math.max(yMost, ...all), HEIGHT - BOTTOM, TOP);
  return (
    <figure class="chart">
      <ul class="legend">
        {curves.map(({ name }, i) => (
          <li key={name}>
            <svg width="26" height="10" aria-hidden="true">
              <line class={lineClass(i)} x1="0" x2="26" y1="5" y2="5" />
            </svg>{" "}
            {name}
          </li>
        ))}
      </ul>
      <Drawing
        label={label}
        height={HEIGHT}
        draw={(width) => {
          const xs = logAxis(x, LEFT, width - RIGHT);
          return (
            <>
              <Lines ticks={ys.ticks} y={ys.place} from={LEFT} to={width - RIGHT} text={tickText} />
              {xs.ticks.map((tick) => (
                <g key={tick} class="grid">
                  <line x1={xs.place(tick)} x2={xs.place(tick)} y1={TOP} y2={HEIGHT - BOTTOM} />
                  <text x={xs.place(tick)} y={HEIGHT - BOTTOM + 16} text-anchor="middle">
                    {tickText(tick)}
                  </text>
                </g>
              ))}
              <text class="axis" x={(LEFT + width - RIGHT) / 2} y={HEIGHT - 8} text-anchor="middle">
                {xLabel}
              </text>
              <text
                class="axis"
                transform={`translate(14 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)`}
                text-anchor="middle"
              >
                {yLabel}
              </text>
              {at !== undefined && (
                <line class="at" x1={xs.place(at)} x2={xs.place(at)} y1={TOP} y2={HEIGHT - BOTTOM} />
              )}
              {curves.map(({ name, values }, i) => (
                <g key={name}>
                  <polyline class={lineClass(i)} points={pathOf(x, values, xs, ys)} />
                  {values.map((value, j) =>
                    value === null ? null : (
                      <circle key={x[j]} class={`s${i % 6}`} cx={xs.place(x[j] ?? 1)} cy={ys.place(value)} r="3">
                        <title>{`${name}: ${Number(value.toPrecision(3))} at ${tickText(x[j] ?? 0)}`}</title>
                      </circle>
                    ),
                  )}
                </g>
              ))}
            </>
          );
        }}
      />
    </figure>
  );
}

interface Axis {
  readonly ticks: readonly number[];
  place(value: number): number;
}

/** The powers of ten that enclose every value. */
function logAxis(values: readonly number[], from: number, to: number): Axis {
  const logs = values.filter((value) => value > 0).map(Math.log10);
  const least = Math.floor(Math.min(...logs, 99) + 1e-9);
  const [low, high] = logs.length === 0 ? [0, 1] : [least, Math.max(least + 1, Math.ceil(Math.max(...logs) - 1e-9))];
  return {
    ticks: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)),
    place: (value) => from + ((Math.log10(Math.max(value, 1e-300)) - low) / (high - low)) * (to - from),
  };
}

function linearAxis(most: number, from: number, to: number): Axis {
  const high = Math.ceil(most);
  return {
    ticks: Array.from({ length: high + 1 }, (_, i) => i),
    place: (value) => from + (value / high) * (to - from),
  };
}

function pathOf(x: readonly number[], values: Curve["values"], xs: Axis, ys: Axis): string {
  return values
    .flatMap((value, i) => (value === null ? [] : [`${xs.place(x[i] ?? 1).toFixed(1)},${ys.place(value).toFixed(1)}`]))
    .join(" ");
}

/** Varies colours, then dashes, so that more curves than colours can be distinguished. */
const lineClass = (i: number) => `curve s${i % 6} dash${Math.floor(i / 6) % 3}`;

function tickText(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size >= 1e4 || size < 1e-2)
    ? value.toExponential(0).replace("e+", "e")
    : String(Number(value.toPrecision(3)));
}
