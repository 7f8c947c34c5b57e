import { random } from "@bn/conformance";
import type { Shape } from "@bn/core";

/** Numbers between -1 and 1 by place. Places are asked for from 0 on, one after another. */
export type Wave = (i: number) => number;

const WAVES = 4;

/**
 * Smooth waves over the last two axes with some grain, other ones in each plane; the same for the same seed.
 *
 * A wave is sin(row + column) = sin row cos column + cos row sin column, so that a value costs two products per wave and
 * no sine: networks read millions of them.
 */
export function createWave(shape: Shape, seed: string): Wave {
  const { uniform } = random(seed);
  const [height, width] = [shape.at(-2) ?? 1, shape.at(-1) ?? 1];
  // Beside an axis of size 0 any other size may stand.
  const columns = shape.includes(0) ? 0 : width;
  const waves = Array.from({ length: WAVES }, () => {
    const [fx, fy, phase] = [uniform() * 6, uniform() * 6, uniform() * 6.3];
    return { fy, phase, sines: turns(columns, fx, Math.sin), cosines: turns(columns, fx, Math.cos) };
  });
  const row = new Float64Array(2 * WAVES);
  const enterRow = (at: number) => {
    const [y, plane] = [(at % height) / height, Math.floor(at / height)];
    for (const [k, { fy, phase }] of waves.entries()) {
      const angle = 6.3 * fy * y + phase * (1 + plane);
      row[2 * k] = Math.sin(angle);
      row[2 * k + 1] = Math.cos(angle);
    }
  };
  return (i) => {
    const x = i % width;
    if (x === 0) enterRow(Math.floor(i / width));
    let sum = 0;
    for (let k = 0; k < WAVES; k++) {
      const { sines, cosines } = waves[k] as (typeof waves)[number];
      sum += (row[2 * k] as number) * (cosines[x] as number) + (row[2 * k + 1] as number) * (sines[x] as number);
    }
    return Math.max(-1, Math.min(1, sum / 3 + (uniform() - 0.5) / 8));
  };
}

function turns(width: number, frequency: number, of: (angle: number) => number): Float64Array {
  return Float64Array.from({ length: width }, (_, x) => of((6.3 * frequency * x) / width));
}
