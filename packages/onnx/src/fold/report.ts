/** What became of one normalization, or of one product or sum with constants. */
export interface FoldRow {
  /** The node's name, or what tells it apart. */
  readonly node: string;
  readonly operator: string;
  readonly status: "folded" | "left";
  /** The layer whose weights hold it now; "" where it was left. */
  readonly into: string;
  /** Whether the layer stands before or behind it. */
  readonly side: "before" | "behind" | null;
  /** Why it was left; "" where it was folded. */
  readonly reason: string;
  /** Decimal digits of each channel's result that cancel in the folded form at most: log10(1 + |mean - bias| / std). */
  readonly lostDigits: number;
  /** Which channel that is; null without statistics. */
  readonly worstChannel: number | null;
}
