/**
 * Every error that `@bn` throws on purpose. Branch on `code` and read `message`: it says what came, what was expected
 * and what to do.
 *
 * | code | meaning |
 * |---|---|
 * | `ERR_BN_SHAPE` | a shape, rank, axis or count does not fit |
 * | `ERR_BN_PARAM` | an option or an argument is unknown, of the wrong type or out of its range |
 * | `ERR_BN_STATE` | calls came in the wrong order, e.g. `backward` of another blob than the last `forward`'s |
 * | `ERR_BN_DISPOSED` | a blob, layer or backend was used after disposal |
 * | `ERR_BN_BACKEND` | a blob or buffer of another backend or dtype, or a backend that breaks the contract |
 * | `ERR_BN_MEMORY` | out of memory |
 * | `ERR_BN_UNAVAILABLE` | a backend cannot run on this machine |
 * | `ERR_BN_DEVICE` | the device failed; rejects `read()` or `finish()` |
 * | `ERR_BN_SYNC` | ranks of a communicator are out of step, or one of them did not arrive |
 * | `ERR_BN_DATA` | a file or module is unreadable, truncated or not what it claims to be |
 */
export type BnErrorCode =
  | "ERR_BN_SHAPE"
  | "ERR_BN_PARAM"
  | "ERR_BN_STATE"
  | "ERR_BN_DISPOSED"
  | "ERR_BN_BACKEND"
  | "ERR_BN_MEMORY"
  | "ERR_BN_UNAVAILABLE"
  | "ERR_BN_DEVICE"
  | "ERR_BN_SYNC"
  | "ERR_BN_DATA";

/**
 * The only error class of @bn. Packages compare `code` and never use `instanceof`, because two copies of core may be
 * installed.
 *
 * @example
 * ```ts
 * import { BnError } from "@bn/core";
 * const error = new BnError("ERR_BN_PARAM", 'BatchNorm "bn1": eps is NaN, expected a finite number >= 0');
 * console.log(error.code); // ERR_BN_PARAM
 * ```
 */
export class BnError extends Error {
  override readonly name = "BnError";
  readonly code: BnErrorCode;

  constructor(code: BnErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
