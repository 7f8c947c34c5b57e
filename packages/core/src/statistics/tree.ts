import { mergeParts, type Part } from "./merge.ts";

/** A complete subtree: the batches [start, start + 2^level), start a multiple of 2^level. */
export interface Block extends Part {
  readonly level: number;
  readonly start: number;
}

/**
 * Adds `block`, which begins at the end of the last of `blocks`, and then joins siblings while there are any (M-2).
 *
 * Merging rounds, so its order matters. The order is that of one binary tree over batch numbers, and `blocks` are its
 * largest complete subtrees. The same batches therefore give the same bits, however they were divided into parts.
 */
export function pushBlock(blocks: Block[], block: Block): void {
  let last = block;
  for (let left = blocks.at(-1); left && isLeftSibling(left, last); left = blocks.at(-1)) {
    blocks.pop();
    last = { ...mergeParts(left, last), level: left.level + 1, start: left.start };
  }
  blocks.push(last);
}

function isLeftSibling(left: Block, right: Block): boolean {
  const size = 2 ** left.level;
  return left.level === right.level && left.start + size === right.start && left.start % (2 * size) === 0;
}

/** Joins all blocks into one part, from the right: the small ones first. */
export function joinBlocks(blocks: readonly Block[]): Part | null {
  return blocks.reduceRight<Part | null>((all, block) => (all === null ? block : mergeParts(block, all)), null);
}
