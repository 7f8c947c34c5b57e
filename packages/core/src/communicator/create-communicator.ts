import { BnError } from "../errors.ts";
import { textOf } from "../text.ts";
import { type Communicator, isRank } from "./communicator.ts";
import { createGuess } from "./guess.ts";
import { HEADER_LENGTH, writeHeader } from "./header.ts";
import { differenceOf } from "./out-of-step.ts";

/** What `createCommunicator` needs: an exchange that moves numbers and knows nothing about them. */
export interface Transport {
  readonly rank: number;
  readonly size: number;
  /**
   * Every rank gives equally many `values`; those of all ranks are written to `all` in rank order. Takes copies. A rank that
   * does not come within the transport's time limit is `ERR_BN_SYNC`, now and in every later call.
   */
  exchange(values: Float64Array, all: Float64Array): void;
}

/**
 * A communicator over `transport`. A message whose size all ranks know goes first: a header with the tag, the number of values and the
 * number of the call, so that ranks that are out of step all see it before any of their values are mixed. Where the calls so far let
 * expect so many values, they go along with it, and one exchange is enough.
 *
 * Errors  `ERR_BN_PARAM`: a rank that is no whole number from 0 to size - 1, no `exchange`.
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
  let calls = 0;
  let along = createGuess();
  return {
    rank,
    size,
    allGather(tag, values) {
      checkValues(tag, values);
      const { length } = values;
      const early = Math.min(along.values, length);
      const stride = HEADER_LENGTH + along.values;
      const mine = new Float64Array(stride);
      const first = new Float64Array(size * stride);
      writeHeader(mine, tag, length, calls);
      mine.set(values.subarray(0, early), HEADER_LENGTH);
      calls += 1;
      transport.exchange(mine, first);
      const difference = differenceOf(first, size, stride);
      if (difference !== null) {
        along = createGuess();
        throw new BnError("ERR_BN_SYNC", `Communicator allGather: ${difference}`);
      }
      along.see(length);
      const all = new Float64Array(size * length);
      for (let from = 0; from < size; from++) {
        const start = from * stride + HEADER_LENGTH;
        all.set(first.subarray(start, start + early), from * length);
      }
      const late = length - early;
      if (late === 0) return all;
      const rest = new Float64Array(size * late);
      transport.exchange(values.subarray(early), rest);
      for (let from = 0; from < size; from++)
        all.set(rest.subarray(from * late, (from + 1) * late), from * length + early);
      return all;
    },
  };
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

function checkValues(tag: unknown, values: unknown): void {
  const bad = (what: string) => new BnError("ERR_BN_PARAM", `Communicator allGather: ${what}`);
  if (typeof tag !== "string") throw bad(`tag is ${textOf(tag)}, expected a string`);
  if (!(values instanceof Float64Array)) throw bad(`values are ${textOf(values)}, expected a Float64Array`);
}
