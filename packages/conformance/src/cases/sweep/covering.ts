/** One factor of a covering array, with its number of levels. */
export interface Factor {
  readonly name: string;
  readonly levels: number;
}

/** The levels that are chosen so far; -1 for factors without one. */
export type Row = readonly number[];

/**
 * A covering array of strength 2: its rows contain any two levels of any two factors together, unless `allowed` refuses
 * every row with both. The construction is greedy and deterministic.
 *
 * Both predicates judge partial rows, in which -1 stands for an open level. `allowed` must accept every row that can be
 * completed. `cheap` says whether a row that began with `pair` is still worth running with the levels added since. It
 * must accept level 0 of every factor.
 */
export function coveringArray(
  factors: readonly Factor[],
  allowed: (row: Row) => boolean,
  cheap: (row: Row, pair: Row) => boolean = () => true,
): number[][] {
  const open = new OpenPairs(factors);
  const rows: number[][] = [];
  for (let a = 0; a < factors.length; a++) {
    for (let b = a + 1; b < factors.length; b++) {
      for (let i = 0; i < levelsOf(factors, a); i++) {
        for (let j = 0; j < levelsOf(factors, b); j++) {
          if (!open.has(a, i, b, j)) continue;
          const row = new Array<number>(factors.length).fill(-1);
          [row[a], row[b]] = [i, j];
          if (!allowed(row)) continue;
          const pair = row.slice();
          complete(row, factors, open, (next) => allowed(next) && cheap(next, pair), rows.length);
          open.close(row);
          rows.push(row);
        }
      }
    }
  }
  return rows;
}

/** Gives each open factor the level that covers most open pairs. Ties are broken differently in each row. */
function complete(
  row: number[],
  factors: readonly Factor[],
  open: OpenPairs,
  allowed: (row: Row) => boolean,
  turn: number,
): void {
  for (let f = 0; f < factors.length; f++) {
    if (row[f] !== -1) continue;
    const levels = levelsOf(factors, f);
    const first = mix(turn, f) % levels;
    const gains = open.gains(row, f);
    let best = -1;
    let most = -1;
    for (let n = 0; n < levels; n++) {
      const level = (n + first) % levels;
      const gain = gains[level] as number;
      if (gain <= most) continue;
      row[f] = level;
      if (allowed(row)) [best, most] = [level, gain];
    }
    if (best < 0) throw new Error(`no level of ${factors[f]?.name} is allowed`);
    row[f] = best;
  }
}

/**
 * A number that is unrelated to those of other factors. If levels alternated in step, many combinations of three would
 * never occur.
 */
export function mix(turn: number, factor: number): number {
  let h = Math.imul(turn + 1, 0x9e3779b1) ^ Math.imul(factor + 1, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}

function levelsOf(factors: readonly Factor[], f: number): number {
  return (factors[f] as Factor).levels;
}

/** The pairs of levels that no row contains yet. */
class OpenPairs {
  readonly #factors: readonly Factor[];
  /** Indexed by a * factors + b with a < b, with one byte per pair of levels: 1 while open. */
  readonly #open: Uint8Array[];

  constructor(factors: readonly Factor[]) {
    this.#factors = factors;
    this.#open = factors.flatMap((a) => factors.map((b) => new Uint8Array(a.levels * b.levels).fill(1)));
  }

  has(a: number, i: number, b: number, j: number): boolean {
    return this.#table(a, b)[i * levelsOf(this.#factors, b) + j] === 1;
  }

  /** For each level of factor `f`, how many open pairs it would cover together with the chosen levels. */
  gains(row: Row, f: number): Uint8Array {
    const levels = levelsOf(this.#factors, f);
    const gains = new Uint8Array(levels);
    for (let other = 0; other < row.length; other++) {
      const chosen = row[other] as number;
      if (other === f || chosen < 0) continue;
      const before = other < f;
      const open = before ? this.#table(other, f) : this.#table(f, other);
      const step = before ? 1 : levelsOf(this.#factors, other);
      for (let level = 0, at = before ? chosen * levels : chosen; level < levels; level++, at += step) {
        gains[level] = (gains[level] as number) + (open[at] as number);
      }
    }
    return gains;
  }

  close(row: Row): void {
    for (let a = 0; a < row.length; a++) {
      for (let b = a + 1; b < row.length; b++) {
        this.#table(a, b)[(row[a] as number) * levelsOf(this.#factors, b) + (row[b] as number)] = 0;
      }
    }
  }

  #table(a: number, b: number): Uint8Array {
    return this.#open[a * this.#factors.length + b] as Uint8Array;
  }
}
