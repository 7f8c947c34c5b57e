import { createClock } from "./clock.ts";
import { deadError, type MpiTransport } from "./transport.ts";

/** Doubles per rank and round. Longer values take several rounds. */
const PIECE = 4096;
/** Bytes between the words of two ranks: two cache lines, because processors fetch lines in pairs. */
const LINE = 128;

/**
 * Returns the size of the shared memory. It holds one word per rank, which counts the rounds that this rank has begun, and
 * then two buffers of one piece per rank.
 */
export const bytesFor = (size: number): number => size * LINE + 2 * size * PIECE * Float64Array.BYTES_PER_ELEMENT;

/** Initialises this rank's word. All ranks must have done so before the first exchange. */
export function prepare(memory: ArrayBufferLike, rank: number): void {
  Atomics.store(new Int32Array(memory, rank * LINE, 1), 0, 0);
}

/**
 * Creates a transport that gathers values through memory that all ranks can access. Each rank writes its values, then
 * increments its word. It reads the values of another rank once that rank's word has changed. A rank is at most one round
 * ahead of another, so two buffers that are used alternately suffice.
 */
export function createSharedExchange(
  memory: ArrayBufferLike,
  rank: number,
  size: number,
  timeout: number,
): MpiTransport {
  const words = new Int32Array(memory, 0, (size * LINE) / Int32Array.BYTES_PER_ELEMENT);
  const data = new Float64Array(memory, size * LINE, 2 * size * PIECE);
  const wordOf = (of: number) => (of * LINE) / Int32Array.BYTES_PER_ELEMENT;
  const clock = createClock(timeout);
  let round = 0;
  let reason: string | null = null;

  /** Waits until all ranks have begun the round after `before`. */
  function meet(before: number): void {
    let first = 0;
    clock.start();
    for (;;) {
      while (first < size && Atomics.load(words, wordOf(first)) !== before) first++;
      if (first === size) return;
      if (clock.pause()) continue;
      reason = `${missing(before).join(", ")} of ${size} did not arrive within ${timeout} ms`;
      throw deadError(reason);
    }
  }
  function missing(before: number): string[] {
    const ranks = Array.from({ length: size }, (_, of) => of);
    return ranks.filter((of) => Atomics.load(words, wordOf(of)) === before).map((of) => `rank ${of}`);
  }

  return {
    rank,
    size,
    get dead() {
      return reason !== null;
    },
    exchange(values, all) {
      if (reason !== null) throw deadError(reason);
      const { length } = values;
      for (let start = 0; start === 0 || start < length; start += PIECE) {
        const count = Math.min(PIECE, length - start);
        const half = (round & 1) * size;
        data.set(count === length ? values : values.subarray(start, start + count), (half + rank) * PIECE);
        const before = round;
        round = (round + 1) | 0;
        Atomics.store(words, wordOf(rank), round);
        meet(before);
        for (let of = 0; of < size; of++) {
          const slot = (half + of) * PIECE;
          all.set(data.subarray(slot, slot + count), of * length + start);
        }
      }
    },
  };
}
