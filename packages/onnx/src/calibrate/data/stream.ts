import { createHash } from "node:crypto";
import { BnError } from "@bn/core";
import { dataError } from "../../graph/errors.ts";
import { type CalibrationData, type DataPort, joinPieces, whyUnfit } from "./data.ts";
import { NPY_PREFIX, type NpyHead, npyHeadLength, npyValues, readNpyHead } from "./npy.ts";

/** The array of the stream that is currently read. */
interface Current {
  readonly head: NpyHead;
  /** The number of samples left in it. */
  left: number;
  readonly where: string;
}

/**
 * The samples of a stream of .npy arrays, one after another, as `numpy.save` writes into a pipe. Their number is known
 * only at the end. Samples are read in order, and those before `first` are dropped.
 *
 * Errors: those of `openData`, when they are reached; `ERR_BN_STATE` for a sample that was already passed.
 */
export function streamData(stream: AsyncIterable<Uint8Array>, port: DataPort): CalibrationData {
  const take = takerOf(stream);
  const hash = createHash("sha256");
  let current: Current | null = null;
  let shape: readonly number[] | null = null;
  let passed = 0;
  let arrays = 0;
  const fail = (what: string) => dataError(`standard input, array ${arrays}: ${what}`);

  /** The array with the next sample, or null at the end. */
  async function next(): Promise<Current | null> {
    while (current === null || current.left === 0) {
      const prefix = await take(NPY_PREFIX);
      if (prefix.length === 0) return null;
      if (prefix[0] === 0x50 && prefix[1] === 0x4b) {
        throw fail("is a .npz file, which cannot be read from a stream; name the file, or stream .npy");
      }
      const length = npyHeadLength(prefix);
      if (typeof length === "string") throw fail(length);
      const rest = await take(length - NPY_PREFIX);
      if (rest.length < length - NPY_PREFIX) throw fail("ends inside its header: it is truncated");
      const head = readNpyHead(Buffer.concat([prefix, rest]));
      if (typeof head === "string") throw fail(head);
      const unfit = whyUnfit(head.type, head.shape, port);
      if (unfit !== null) throw fail(unfit);
      const own = head.shape.slice(1);
      if (shape !== null && String(shape) !== String(own)) throw fail(`samples of shape [${own}], expected [${shape}]`);
      shape = own;
      current = { head, left: head.shape[0] as number, where: `standard input, array ${arrays}` };
      arrays += 1;
    }
    return current;
  }

  async function takeSamples(count: number) {
    const array = await next();
    if (array === null) return null;
    const { head, where, left } = array;
    const taken = Math.min(count, left);
    const length = taken * head.shape.slice(1).reduce((a, b) => a * b, head.bytes);
    const bytes = await take(length);
    if (bytes.length < length) throw fail(`ends after ${bytes.length} of ${length} bytes: it is truncated`);
    hash.update(bytes);
    const tensor = { type: head.type, shape: [taken, ...head.shape.slice(1)], data: npyValues(head, bytes) };
    const first = (head.shape[0] as number) - left;
    array.left -= taken;
    passed += taken;
    return { tensor, where, first };
  }

  return {
    samples: null,
    digest: () => hash.copy().digest("hex"),
    async read(first, count) {
      if (first < passed) {
        throw new BnError(
          "ERR_BN_STATE",
          `standard input: sample ${first} was asked for, and ${passed} is next; a stream can only be read forward`,
        );
      }
      while (passed < first) if ((await takeSamples(Math.min(count, first - passed))) === null) return null;
      const pieces: Parameters<typeof joinPieces>[0][number][] = [];
      for (let left = count; left > 0; ) {
        const piece = await takeSamples(left);
        if (piece === null) break;
        pieces.push(piece);
        left -= piece.tensor.shape[0] as number;
      }
      return pieces.length === 0 ? null : new Map([[port.name, joinPieces(pieces, port)]]);
    },
    async close() {},
  };
}

/** Returns a function that takes the next bytes of a stream, fewer at its end, in memory of their own. */
function takerOf(stream: AsyncIterable<Uint8Array>): (length: number) => Promise<Uint8Array<ArrayBuffer>> {
  const chunks = stream[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  return async (length) => {
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      if (rest.length === 0) {
        const next = await chunks.next();
        if (next.done) return bytes.slice(0, filled);
        rest = next.value;
      }
      const taken = Math.min(rest.length, length - filled);
      bytes.set(rest.subarray(0, taken), filled);
      rest = rest.subarray(taken);
      filled += taken;
    }
    return bytes;
  };
}
