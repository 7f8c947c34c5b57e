/** The conditions of a run, so that two runs can be compared. It holds only facts that are known. */
export interface RunRecord {
  /** The time at which the run began, in ISO 8601. */
  readonly date: string;
  readonly seconds: number;
  /** The version of the `@bn/conformance` whose cases ran. */
  readonly suite: string;
  /** The versions of the other packages that took part. */
  readonly packages: Readonly<Record<string, string>>;
  readonly contract: number;
  /** The seed that draws cases; null if the suite has none. */
  readonly seed: string | null;
  readonly tier: string | null;
  /** `Node.js 24.21.0`, or the browser. */
  readonly runtime: string;
  readonly os: string;
  readonly cpu: string;
  /** The options as the user gave them. */
  readonly flags: readonly string[];
  /** The options that a command needs to choose from the same cases again: `--goldens DIR`, `--seed N`. */
  readonly repeat: readonly string[];
  /** The part of the cases that ran: part `index` of `count`, out of `cases` cases whose ids together have `digest`. */
  readonly shard: Shard | null;
  /** The reason why the run stopped early: "interrupted", "--bail 3"; null if it did not. */
  readonly ended: string | null;
  /** Backends that could not be judged, with the reason. */
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

/** A number that identifies a list of ids, so that shards of different cases are not merged. FNV-1a, 32 bits. */
export function digestOf(ids: Iterable<string>): string {
  let hash = 0x811c9dc5;
  for (const id of ids) {
    for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ 10, 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}
