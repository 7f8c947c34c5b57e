import { createHash } from "node:crypto";
import { dataError } from "../../graph/errors.ts";
import { describeArrays, openArrays, type SampleArray } from "./arrays.ts";
import { type CalibrationData, type DataPort, joinPieces } from "./data.ts";
import { findFiles } from "./find.ts";

interface Chunk {
  readonly arrays: readonly SampleArray[];
  /** The number of its first sample. */
  readonly start: number;
}

/**
 * The samples of files in the order of their paths: `.npy`, `.npz` with one array per input, and folders and globs of
 * them. Values are read when they are needed, so a data set may be larger than memory.
 *
 * Shapes  [n, ...] per array: n samples of the input's other axes, the same in every file.
 * Types   the input's, or narrower floats, which are widened exactly.
 * Errors  `ERR_BN_DATA`, naming the file: missing, truncated, of another type or shape; no samples at all.
 *
 * @example
 * ```ts
 * import { writeFileSync } from "node:fs";
 * import { openData } from "@bn/onnx/calibrate";
 * const head = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1), }".padEnd(117) + "\n";
 * writeFileSync("x.npy", Buffer.concat([Buffer.from("\x93NUMPY\x01\x00\x76\x00" + head, "latin1"), new Uint8Array(new Float32Array([1, 2, 6]).buffer)]));
 * const data = await openData(["x.npy"], [{ name: "X", type: "float32", shape: [null, 1] }]);
 * console.log(data.samples, (await data.read(1, 2))!.get("X")!.data); // 3 Float32Array(2) [ 2, 6 ]
 * await data.close();
 * ```
 */
export async function openData(paths: readonly string[], ports: readonly DataPort[]): Promise<CalibrationData> {
  const files = await findFiles(paths);
  const hash = createHash("sha256");
  const chunks: Chunk[] = [];
  let samples = 0;
  for (const file of files) {
    const arrays = await openArrays(file, ports);
    for (const { close } of arrays) await close();
    checkAlike(chunks[0]?.arrays, arrays);
    hash.update(`${describeArrays(file, arrays)}\n`);
    const [{ samples: count }] = arrays as [SampleArray];
    if (count > 0) chunks.push({ arrays, start: samples });
    samples += count;
  }
  if (samples === 0) {
    throw dataError(
      `${files.join(", ")}: there are no samples: the first axis is 0 in every file; give files with samples`,
    );
  }
  const digest = hash.digest("hex");
  let open: Chunk | null = null;
  const turnTo = async (chunk: Chunk | null) => {
    if (open !== null && open !== chunk) for (const { close } of open.arrays) await close();
    open = chunk;
  };
  return {
    samples,
    digest: () => digest,
    async read(first, count) {
      const end = Math.min(samples, first + count);
      if (end <= first) return null;
      const pieces = ports.map((): Parameters<typeof joinPieces>[0][number][] => []);
      for (let at = first, i = chunkAt(chunks, first); at < end; i++) {
        const chunk = chunks[i] as Chunk;
        const own = at - chunk.start;
        const taken = Math.min(end - at, (chunk.arrays[0] as SampleArray).samples - own);
        await turnTo(chunk);
        for (const [p, array] of chunk.arrays.entries()) {
          pieces[p]?.push({ tensor: await array.read(own, taken), where: array.where, first: own });
        }
        at += taken;
      }
      return new Map(ports.map((port, p) => [port.name, joinPieces(pieces[p] ?? [], port)]));
    },
    close: () => turnTo(null),
  };
}

/** The samples of a batch must have the same shape. */
function checkAlike(before: readonly SampleArray[] | undefined, arrays: readonly SampleArray[]): void {
  for (const [i, { where, shape }] of arrays.entries()) {
    const first = before?.[i];
    if (first === undefined || String(first.shape) === String(shape)) continue;
    throw dataError(
      `${where}: samples of shape [${shape}], expected [${first.shape}] as in ${first.where}; give all samples the same shape`,
    );
  }
}

/** The last chunk that begins at `sample` or before. */
function chunkAt(chunks: readonly Chunk[], sample: number): number {
  let [low, high] = [0, chunks.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((chunks[middle] as Chunk).start <= sample) low = middle;
    else high = middle - 1;
  }
  return low;
}
