/** The range of one operand: its smallest and largest value, and the number of values that are not finite. */
export interface Range {
  readonly min: number;
  readonly max: number;
  readonly notFinite: number;
}

export function rangeOf(values: ArrayLike<number>): Range {
  let [min, max, notFinite] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (Number.isFinite(value)) [min, max] = [Math.min(min, value), Math.max(max, value)];
    else notFinite++;
  }
  return { min, max, notFinite };
}

/** `least..greatest`, and the number of values that are not finite. */
export function rangeText({ min, max, notFinite }: Range): string {
  const rest = notFinite > 0 ? `, ${notFinite} not finite` : "";
  if (min > max) return rest.slice(2);
  return `${min.toPrecision(3)}..${max.toPrecision(3)}${rest}`;
}
