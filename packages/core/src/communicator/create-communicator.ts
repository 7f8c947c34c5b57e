import { BnError } from "../errors.ts";
import { textOf } from "../text.ts";
import { type Communicator, isRank } from "./communicator.ts";
import { createGuess } from "./guess.ts";
import { HEADER_LENGTH, writeHeader } from "./header.ts";
import { difference, differs } from "./out-of-step.ts";
import { createScratch } from "./scratch.ts";

/** The exchange that `createCommunicator` needs. It moves numbers and knows nothing about their meaning. */
export interface Transport {
  readonly rank: number;
  readonly size: number;
  /**
   * Every rank passes the same number of `values`; the values of all ranks are written to `all` in rank order. The
   * arrays are copied. If a rank does not arrive within the transport's time limit, this and every later call throws
   * `ERR_BN_SYNC`.
   */
  exchange(values: Float64Array, all: Float64Array): void;
}

/**
 * Creates a communicator over `transport`. Each call first exchanges a header whose size all ranks know. It holds the
 * tag, the number of values and the number of the call, so that ranks that are out of step notice before any of their
 * values are mixed. If earlier calls predict the number of values, the values travel with the header, and one exchange
 * is enough.
 *
 * Errors  `ERR_BN_PARAM`: the rank is not a whole number from 0 to size - 1, or `exchange` is missing.
 *
 * @example
 * ```ts
 * import { createCommunicator } from "@bn/core/communicator";
 * const alone = createCommunicator({ rank: 0, size: 1, exchange: (values, all) => all.set(values) });
 * console.log(alone.allGather("a sum of squares", new Float64Array([14]))); // Float64Array(1) [ 14 ]
 * ```
 */
export function createCommunicator(transport: Transport): Communicator {
  const { rank, size } = checkTransport(transport);
  const [mine, first] = [createScratch(), createScratch()];
  let calls = 0;
  let along = createGuess();
  return {
    rank,
    size,
    allGather(tag, values, into) {
      checkValues(tag, values, into, size);
      const { length } = values;
      const early = Math.min(along.values, length);
      const stride = HEADER_LENGTH + along.values;
      const message = mine(stride);
      const messages = first(size * stride);
      writeHeader(message, tag, length, calls);
      if (early > 0) message.set(early === length ? values : values.subarray(0, early), HEADER_LENGTH);
      calls += 1;
      transport.exchange(message, messages);
      const odd = differs(messages, size, stride);
      if (odd !== -1) {
        along = createGuess();
        const what = difference(messages, size, stride, odd, tag, (values, all) => transport.exchange(values, all));
        throw new BnError("ERR_BN_SYNC", `Communicator allGather: ${what}`);
      }
      along.see(length);
      const all = into ?? new Float64Array(size * length);
      copyRows(messages, HEADER_LENGTH, stride, all, 0, length, size, early);
      if (early === length) return all;
      if (early === 0) {
        transport.exchange(values, all);
        return all;
      }
      const late = length - early;
      const rest = new Float64Array(size * late);
      transport.exchange(values.subarray(early), rest);
      copyRows(rest, 0, late, all, early, length, size, late);
      return all;
    },
  };
}

/**
 * Copies `rows` rows of `width` doubles each. Source rows begin at `start` and lie `stride` apart; destination rows lie
 * next to each other in `to`.
 */
function copyRows(
  from: Float64Array,
  start: number,
  stride: number,
  to: Float64Array,
  toStart: number,
  toStride: number,
  rows: number,
  width: number,
): void {
  for (let row = 0; row < rows; row++) {
    const at = start + row * stride;
    to.set(from.subarray(at, at + width), toStart + row * toStride);
  }
}

function checkTransport(transport: Transport): Transport {
  const bad = (what: string) => new BnError("ERR_BN_PARAM", `createCommunicator: ${what}`);
  if (typeof transport !== "object" || transport === null) {
    throw bad(`transport is ${textOf(transport)}, expected { rank, size, exchange }`);
  }
  const { rank, size, exchange } = transport;
  if (!isRank(rank, size)) {
    throw bad(
      `rank is ${textOf(rank)} and size ${textOf(size)}, expected whole numbers, and a rank from 0 to size - 1`,
    );
  }
  if (typeof exchange !== "function") throw bad(`exchange is ${textOf(exchange)}, expected a function`);
  return transport;
}

function checkValues(tag: unknown, values: unknown, all: unknown, size: number): void {
  const bad = (what: string) => new BnError("ERR_BN_PARAM", `Communicator allGather: ${what}`);
  if (typeof tag !== "string") throw bad(`tag is ${textOf(tag)}, expected a string`);
  if (!(values instanceof Float64Array)) throw bad(`values are ${textOf(values)}, expected a Float64Array`);
  if (all === undefined) return;
  if (!(all instanceof Float64Array)) throw bad(`all is ${textOf(all)}, expected a Float64Array`);
  if (all.length !== size * values.length) {
    throw bad(`all has ${all.length} elements, expected ${size * values.length}: ${values.length} per rank`);
  }
  if (overlap(values, all)) throw bad("all overlaps values in memory; pass two separate arrays");
}

function overlap(a: Float64Array, b: Float64Array): boolean {
  if (a.buffer !== b.buffer) return false;
  return a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength;
}
