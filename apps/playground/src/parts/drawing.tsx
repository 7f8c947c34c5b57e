import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

interface DrawingProps {
  readonly label: string;
  readonly height: number;
  /** "group" if parts of the drawing can be operated. */
  readonly role?: "img" | "group";
  /** Draws for this width. `scale` is the CSS pixels per unit: on large screens a drawing's text grows with the page's. */
  readonly draw: (width: number, scale: number) => ComponentChildren;
}

/** A drawing as wide as its place, redrawn when that changes. */
export function Drawing({ label, height, role = "img", draw }: DrawingProps) {
  const box = useRef<HTMLDivElement>(null);
  const [{ width, scale }, setSize] = useState({ width: 480, scale: 1 });
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => {
      const scale = Math.max(1, Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / 16);
      setSize({ width: element.clientWidth / scale, scale });
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return (
    <div ref={box}>
      <svg
        width={width * scale}
        height={height * scale}
        viewBox={`0 0 ${width} ${height}`}
        role={role}
        aria-label={label}
      >
        {draw(width, scale)}
      </svg>
    </div>
  );
}

interface LinesProps {
  readonly ticks: readonly number[];
  /** The place of a tick. */
  readonly y: (tick: number) => number;
  readonly from: number;
  readonly to: number;
  readonly text: (tick: number) => string | number;
}

/** Lines across a drawing with their numbers at the left. */
export function Lines({ ticks, y, from, to, text }: LinesProps) {
  return ticks.map((tick) => (
    <g key={tick} class="grid">
      <line x1={from} x2={to} y1={y(tick)} y2={y(tick)} />
      <text x={from - 6} y={y(tick) + 4} text-anchor="end">
        {text(tick)}
      </text>
    </g>
  ));
}
