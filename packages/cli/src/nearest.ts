/** The name most similar to `wanted`, if at most a third of it has to be changed; otherwise null. */
export function nearest(wanted: string, names: readonly string[]): string | null {
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  const [best] = names
    .map((name) => ({ name, far: distance(wanted.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, far }) => far <= limit || name.toLowerCase().includes(wanted.toLowerCase()))
    .toSorted((a, b) => a.far - b.far);
  return best?.name ?? null;
}

/** The number of letters to insert, delete, change or swap with a neighbour (optimal string alignment). */
function distance(a: string, b: string): number {
  let [twoBefore, before]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const steps = [(row[j - 1] as number) + 1, (before[j] as number) + 1, (before[j - 1] as number) + same];
      const exchanged = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (exchanged) steps.push((twoBefore[j - 2] as number) + 1);
      row.push(Math.min(...steps));
    }
    [twoBefore, before] = [before, row];
  }
  return before[b.length] as number;
}
