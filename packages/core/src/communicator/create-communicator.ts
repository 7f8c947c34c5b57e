import { BnError } from "../errors.ts";
import { textOf } from "../text.ts";
import { type Communicator, isRank } from "./communicator.ts";
import { createHeader, HEADER_LENGTH, writeHeader } from "./header.ts";
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
 * A communicator over `transport`. Before the values of each call it exchanges a header of fixed size with the tag, the number of
 * values and the number of the call. So ranks that are out of step all see it, before any of their values are mixed.
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
  const mine = createHeader();
  const headers = new Float64Array(size * HEADER_LENGTH);
  let calls = 0;
  return {
    rank,
    size,
    allGather(tag, values) {
      checkValues(tag, values);
      writeHeader(mine, tag, values.length, calls);
      calls += 1;
      transport.exchange(mine, headers);
      const difference = differenceOf(headers, size);
      if (difference !== null) throw new BnError("ERR_BN_SYNC", `Communicator allGather: ${difference}`);
      const all = new Float64Array(size * values.length);
      if (values.length > 0) transport.exchange(values, all);
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
