import { random } from "@bn/conformance";
import type { Shape } from "@bn/core";

/** Returns numbers between -1 and 1 by position. Positions are requested in order, starting at 0. */
export type Wave = (i: number) => number;

const WAVES = 4;

/**
 * Smooth waves over the last two axes with some grain, different in each plane. The same seed gives the same waves.
 *
 * A wave is sin(row + column) = sin row cos column + cos row sin column, so a value costs two products per wave and no
 * sine. Networks read millions of values.
 */
export function createWave(shape: Shape, seed: string): Wave {
  const { uniform } = random(seed);
  const [height, width] = [shape.at(-2) ?? 1, shape.at(-1) ?? 1];
  // If an axis has size 0, another axis may have any size.
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
