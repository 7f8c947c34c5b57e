import type { DeviceBuffer, Dtype, HostArray } from "./backend.ts";
import { BnError } from "./errors.ts";
import { textOf } from "./text.ts";

const ARRAYS = { float32: "Float32Array", float64: "Float64Array" } as const;

/** Checks of the arguments of a backend's `alloc`, `write` and `read`, which users of kernels call directly. */
export interface ArgumentChecks {
  /** Errors: `ERR_BN_BACKEND` for a dtype that the backend does not support, `ERR_BN_SHAPE` for a length that is not a whole number >= 0. */
  alloc(dtype: unknown, length: unknown): void;
  /**
   * Errors: `ERR_BN_BACKEND` for an array of another type, `ERR_BN_SHAPE` for more values than the buffer holds,
   * `ERR_BN_DISPOSED` for a view of memory that was freed.
   */
  write(target: DeviceBuffer, source: HostArray): void;
  /** Errors: `ERR_BN_SHAPE` if the buffer is shorter than `length`. */
  read(source: DeviceBuffer, length: unknown): void;
}

/**
 * Checks the arguments of a backend's own methods, so that every backend refuses the same arguments with the same
 * message. Only the backend knows who owns a buffer and whether it was disposed, so it checks these itself.
 *
 * @param name    the backend's name, for messages
 * @param dtypes  the dtypes that the backend supports
 *
 * @example
 * ```ts
 * import { argumentChecks } from "@bn/core";
 * const check = argumentChecks("mine", ["float32"]);
 * try {
 *   check.alloc("float64", 8);
 * } catch (error) {
 *   console.log((error as Error).message); // mine alloc: dtype is "float64", expected "float32"
 * }
 * ```
 */
export function argumentChecks(name: string, dtypes: readonly Dtype[]): ArgumentChecks {
  const checkLength = (method: string, length: unknown, most: number) => {
    if (typeof length === "number" && Number.isInteger(length) && length >= 0 && length <= most) return;
    throw new BnError(
      "ERR_BN_SHAPE",
      `${name} ${method}: length is ${textOf(length)}, expected a whole number from 0 to ${most}`,
    );
  };
  return {
    alloc(dtype, length) {
      if (!dtypes.some((known) => known === dtype)) {
        const expected = dtypes.map((known) => `"${known}"`).join(" or ");
        throw new BnError("ERR_BN_BACKEND", `${name} alloc: dtype is ${textOf(dtype)}, expected ${expected}`);
      }
      checkLength("alloc", length, Number.MAX_SAFE_INTEGER);
    },
    write(target, source) {
      const type = ARRAYS[target.dtype];
      if (!ArrayBuffer.isView(source) || source[Symbol.toStringTag] !== type) {
        throw new BnError(
          "ERR_BN_BACKEND",
          `${name} write: source is ${textOf(source)}, a ${target.dtype} buffer takes a ${type}`,
        );
      }
      if (source.length > target.length) {
        throw new BnError(
          "ERR_BN_SHAPE",
          `${name} write: ${source.length} values for a buffer of ${target.length}; pass at most as many as it holds`,
        );
      }
      if (source.length === 0 && isDetached(source.buffer)) {
        throw new BnError(
          "ERR_BN_DISPOSED",
          `${name} write: source is a view of memory that is gone (transferred, or WebAssembly memory that has grown since); create the view again`,
        );
      }
    },
    read: (source, length) => checkLength("read", length, source.length),
  };
}

/** Node 20 has no `detached`, but creating a view of a detached buffer throws. */
function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}
