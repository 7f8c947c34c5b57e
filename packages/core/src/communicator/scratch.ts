/** More lengths than a network has are not worth memory. */
const MOST_VIEWS = 256;

/**
 * Returns a function that gives `length` doubles of reused memory, with the contents left from the last use. It gives the
 * same array for the same length, because calls of different lengths take turns: forward and backward.
 */
export function createScratch(): (length: number) => Float64Array {
  let memory = new Float64Array(0);
  const views = new Map<number, Float64Array>();
  return (length) => {
    const known = views.get(length);
    if (known !== undefined) return known;
    if (memory.length < length || views.size >= MOST_VIEWS) views.clear();
    if (memory.length < length) memory = new Float64Array(length);
    const view = memory.subarray(0, length);
    views.set(length, view);
    return view;
  };
}
