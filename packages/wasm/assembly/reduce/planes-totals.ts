/** The totals of each channel of planes: the entries of its parts (planes.ts), added in order. */
import { job } from "../job";
import { entryBytes } from "../plan/planes";
import { CHUNK, TOTALS, table } from "../shape";
import { lost, regain, zero } from "../vector";
import { entryOf } from "./planes";

/** Adds up parts and lanes. Computes both totals of channels [first, last), as float64, two channels at a time. */
export function totalsOfPlanes<T>(first: u32, last: u32): void {
  for (; first < last; first += 2) {
    const entry = entryOf<T>(0, first);
    const other = entryOf<T>(0, min(first + 1, last - 1));
    const at = (first - job.first) * 8;
    const a = totalsOfPair<T>(entry, other);
    const q = totalsOfPair<T>(entry + 16, other + 16);
    if (first + 1 < last) {
      v128.store(table(TOTALS) + at, a);
      v128.store(table(TOTALS + 1) + at, q);
    } else {
      v128.store_lane<f64>(table(TOTALS) + at, a, 0);
      v128.store_lane<f64>(table(TOTALS + 1) + at, q, 0);
    }
  }
}

/** The sums over all parts and lanes of one sum of two channels, whose entries of the first part are given. */
function totalsOfPair<T>(entry: usize, other: usize): v128 {
  const next = min(job.channels, CHUNK) * entryBytes<T>();
  let sum = v128.load(entry);
  let sumOfOther = v128.load(other);
  let rest = sizeof<T>() === 8 ? v128.load(entry, 32) : zero();
  let restOfOther = sizeof<T>() === 8 ? v128.load(other, 32) : zero();
  for (let part: u32 = 1; part < job.parts; part++) {
    entry += next;
    other += next;
    const term = v128.load(entry);
    const termOfOther = v128.load(other);
    const after = f64x2.add(sum, term);
    const afterOfOther = f64x2.add(sumOfOther, termOfOther);
    if (sizeof<T>() === 8) {
      rest = f64x2.add(rest, f64x2.add(lost(sum, term, after), v128.load(entry, 32)));
      restOfOther = f64x2.add(
        restOfOther,
        f64x2.add(lost(sumOfOther, termOfOther, afterOfOther), v128.load(other, 32)),
      );
    }
    sum = after;
    sumOfOther = afterOfOther;
  }
  const first = v128.shuffle<i64>(sum, sumOfOther, 0, 2);
  const second = v128.shuffle<i64>(sum, sumOfOther, 1, 3);
  const total = f64x2.add(first, second);
  if (sizeof<T>() === 4) return total;
  const rests = f64x2.add(v128.shuffle<i64>(rest, restOfOther, 0, 2), v128.shuffle<i64>(rest, restOfOther, 1, 3));
  return regain(total, f64x2.add(lost(first, second, total), rests));
}
