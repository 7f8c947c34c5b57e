/** A compensated sum of float64 (Knuth's two-sum): the rounding errors of the additions are summed separately. */
import { lostOf } from "../vector";

let high: f64 = 0;
let low: f64 = 0;

export function clear(): void {
  high = 0;
  low = 0;
}

export function add(term: f64): void {
  const next = high + term;
  low += lostOf(high, term, next);
  high = next;
}

export function total(): f64 {
  return high + low;
}
