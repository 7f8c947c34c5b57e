/**
 * The name in `names` that `word` most likely stands for, or null. Case, `_` and `-` are ignored, so Caffe's
 * `use_global_stats` is `useGlobalStats`. Otherwise one wrong, missing or swapped letter per three is allowed, or a
 * prefix.
 */
export function closest(word: string, names: readonly string[]): string | null {
  const plain = plainOf(word);
  let best: string | null = null;
  let least = Math.floor(plain.length / 3) + 1;
  for (const name of names) {
    const other = plainOf(name);
    const away = plain.length > 2 && other.startsWith(plain) ? 1 : distance(plain, other);
    if (away >= least) continue;
    best = name;
    least = away;
  }
  return best;
}

function plainOf(word: string): string {
  return word
    .slice(0, 40)
    .toLowerCase()
    .replaceAll(/[_\-\s]/g, "");
}

/** The number of letters to insert, delete, replace or swap with their neighbour (optimal string alignment). */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, at(before, j - 2) + 1);
      row.push(least);
    }
    before = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] as number;
}
