import { readFile } from "node:fs/promises";
import { BnError } from "@bn/core";
import type { Tensor } from "@bn/onnx/verify";
import { parse } from "npyjs";

/** NumPy's types with ONNX Runtime's names. The parser returns float16 as float32 values, exactly. */
const TYPES: Readonly<Record<string, string>> = {
  f2: "float16",
  f4: "float32",
  f8: "float64",
  i4: "int32",
  i8: "int64",
  i1: "int8",
  i2: "int16",
  u1: "uint8",
  u2: "uint16",
  u4: "uint32",
  u8: "uint64",
  b1: "bool",
};

/**
 * Reads a file of numpy.save, in C order.
 *
 * Errors: `ERR_BN_DATA` if the file is unreadable or truncated, or has a type or order that networks do not accept.
 */
export async function readNpy(path: string): Promise<Tensor> {
  const fail = (why: string, cause?: unknown) => new BnError("ERR_BN_DATA", `${path}: ${why}`, { cause });
  const bytes = await readFile(path).catch((cause: Error) => {
    throw fail(`cannot be read: ${cause.message}; give a file that numpy.save wrote`, cause);
  });
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(Uint8Array.from(bytes).buffer);
  } catch (cause) {
    throw fail(`is not a .npy file, or is incomplete (${(cause as Error).message}); save it with numpy.save`, cause);
  }
  const { dtype, shape, fortranOrder } = parsed;
  const type = Object.hasOwn(TYPES, dtype) ? TYPES[dtype] : undefined;
  if (type === undefined)
    throw fail(`holds ${dtype}, expected ${Object.keys(TYPES).join(", ")}; convert it with numpy's astype`);
  if (fortranOrder) throw fail("is in Fortran order; convert it with numpy.ascontiguousarray before saving");
  const data = isList(parsed.data) ? parsed.data : [];
  const count = shape.reduce((a, b) => a * b, 1);
  if (!shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0) || data.length !== count) {
    throw fail(`has shape [${shape}], that is ${count} values, and holds ${data.length}; save it again`);
  }
  return { type, shape, data: dtype === "b1" ? Uint8Array.from(data) : data };
}

const isList = (data: object): data is ArrayLike<number> => "length" in data;
