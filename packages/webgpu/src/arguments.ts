import { BnError, type DeviceBuffer, type HostArray } from "@bn/core";

/** Errors: `ERR_BN_BACKEND` for another dtype, `ERR_BN_SHAPE` for a length that is no whole number >= 0. */
export function checkAlloc(dtype: unknown, length: unknown): void {
  if (dtype !== "float32") {
    throw new BnError("ERR_BN_BACKEND", `webgpu alloc: dtype is ${textOf(dtype)}, expected "float32"`);
  }
  checkCount("alloc", length, Number.MAX_SAFE_INTEGER);
}

/** Errors: `ERR_BN_BACKEND` for an array of another type, `ERR_BN_SHAPE` for more values than the buffer holds. */
export function checkWrite(target: DeviceBuffer, source: HostArray): void {
  if (!ArrayBuffer.isView(source) || source[Symbol.toStringTag] !== "Float32Array") {
    throw new BnError(
      "ERR_BN_BACKEND",
      `webgpu write: source is ${textOf(source)}, a float32 buffer takes a Float32Array`,
    );
  }
  if (source.length > target.length) {
    throw new BnError(
      "ERR_BN_SHAPE",
      `webgpu write: ${source.length} values for a buffer of ${target.length}; pass as many as it holds, or fewer`,
    );
  }
  if (source.length === 0 && isDetached(source.buffer)) {
    throw new BnError(
      "ERR_BN_DISPOSED",
      "webgpu write: source is a view of memory that is gone (transferred, or WebAssembly memory that has grown since); take the view again",
    );
  }
}

/** Errors: `ERR_BN_SHAPE` for a length that the buffer does not have. */
export function checkRead(source: DeviceBuffer, length: unknown): void {
  checkCount("read", length, source.length);
}

function checkCount(method: string, length: unknown, most: number): void {
  if (typeof length === "number" && Number.isInteger(length) && length >= 0 && length <= most) return;
  throw new BnError(
    "ERR_BN_SHAPE",
    `webgpu ${method}: length is ${textOf(length)}, expected a whole number from 0 to ${most}`,
  );
}

/** Node 20 has no `detached`; but no view can be made of a buffer that is. */
function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

function textOf(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") return String(value);
  return value === null ? "null" : typeof value === "object" ? Object.prototype.toString.call(value) : typeof value;
}
