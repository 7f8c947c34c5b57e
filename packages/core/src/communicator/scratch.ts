/**
 * Returns a function that gives `length` doubles of reused memory. The contents are left from the last use, and the
 * array stays the same until another length is requested.
 */
export function createScratch(): (length: number) => Float64Array {
  let memory = new Float64Array(0);
  let part = memory;
  return (length) => {
    if (part.length === length) return part;
    if (memory.length < length) memory = new Float64Array(length);
    part = memory.subarray(0, length);
    return part;
  };
}
