/**
 * Divides `items` into consecutive groups of at most `limit` bytes each. A group has at least one item, however large
 * that is.
 */
export function groupsWithin<T>(limit: number, items: readonly T[], sizeOf: (item: T) => number): T[][] {
  const groups: T[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const item of items) {
    const size = sizeOf(item);
    if (bytes + size > limit) {
      groups.push([]);
      bytes = 0;
    }
    bytes += size;
    groups.at(-1)?.push(item);
  }
  return groups;
}
