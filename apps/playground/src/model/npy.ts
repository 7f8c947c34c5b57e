import { BnError } from "@bn/core";
import type { Tensor } from "@bn/onnx/web";
import { parse } from "npyjs";

/** NumPy's types with ONNX Runtime's names, for types in which images and batches are saved. */
const TYPES: Readonly<Record<string, string>> = { f4: "float32", f8: "float64", i4: "int32", i8: "int64", u1: "uint8" };

/** Reads a file of numpy.save as an input. Errors: `ERR_BN_DATA`. */
export async function readNpy(file: File): Promise<Tensor> {
  const fail = (why: string, cause?: unknown) => new BnError("ERR_BN_DATA", `${file.name}: ${why}`, { cause });
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(await file.arrayBuffer());
  } catch (cause) {
    throw fail("is not a .npy file, or is incomplete; save it with numpy.save", cause);
  }
  const { dtype, shape, fortranOrder, data } = parsed;
  const type = TYPES[dtype];
  if (type === undefined)
    throw fail(`holds ${dtype}, expected ${Object.keys(TYPES).join(", ")}; convert it with numpy's astype`);
  if (fortranOrder) throw fail("is in Fortran order; convert it with numpy.ascontiguousarray before saving");
  return { type, shape, data };
}
