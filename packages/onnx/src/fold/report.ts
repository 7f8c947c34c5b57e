/** The result for one normalization, or for one product or sum with constants. */
export interface FoldRow {
  /** The node's name, or a text that identifies it. */
  readonly node: string;
  readonly operator: string;
  readonly status: "folded" | "left";
  /** The layer whose weights contain it now; "" if it was not folded. */
  readonly into: string;
  /** Whether the layer is before or behind it. */
  readonly side: "before" | "behind" | null;
  /** The reason why it was not folded; "" if it was. */
  readonly reason: string;
  /** The most decimal digits of a channel's result that cancel in the folded form: log10(1 + |mean - bias| / std). */
  readonly lostDigits: number;
  /** The channel with that value; null without statistics. */
  readonly worstChannel: number | null;
}
