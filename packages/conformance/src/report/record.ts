/** What a run depends on, so that two can be compared: all that is known, and nothing that is not. */
export interface RunRecord {
  /** When it began, as in ISO 8601. */
  readonly date: string;
  readonly seconds: number;
  /** The version of `@bn/conformance`, whose cases ran. */
  readonly suite: string;
  /** Versions of the other packages that took part. */
  readonly packages: Readonly<Record<string, string>>;
  readonly contract: number;
  /** What seeds drawn cases, and which of them ran; null where the suite has none. */
  readonly seed: string | null;
  readonly tier: string | null;
  /** `Node.js 24.21.0`, or the browser. */
  readonly runtime: string;
  readonly os: string;
  readonly cpu: string;
  /** The options as they were given. */
  readonly flags: readonly string[];
  /** The options that a command needs to choose from the same cases again: `--goldens DIR`, `--seed N`. */
  readonly repeat: readonly string[];
  /** The part of the cases that ran: part `index` of `count`, of `cases` cases whose ids together have `digest`. */
  readonly shard: Shard | null;
  /** Why the run ended before its end: "interrupted", "--bail 3"; null where it did not. */
  readonly ended: string | null;
  /** Backends that could not be judged, and why. */
  readonly notStarted: readonly NotStarted[];
}

export interface Shard {
  readonly index: number;
  readonly count: number;
  readonly cases: number;
  readonly digest: string;
}

export interface NotStarted {
  readonly backend: string;
  readonly reason: string;
}

/** One number for a list of ids: shards of other cases do not fit together. FNV-1a, 32 bits. */
export function digestOf(ids: Iterable<string>): string {
  let hash = 0x811c9dc5;
  for (const id of ids) {
    for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ 10, 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}
