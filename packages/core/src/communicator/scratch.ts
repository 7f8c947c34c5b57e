/** Makes memory that is used again: `length` doubles of it, with what was there before. They are the same ones until another length is asked for. */
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
