import { BnError } from "@bn/core";
import type { Tensor } from "@bn/onnx/verify";
import { readNpy } from "./npy.ts";

/** `--input` values: `FILE.npy` for a network's only input, `name=FILE.npy` for one of several. */
export interface GivenInputs {
  /** Values by name of input; "" stands for the only input, with any name. */
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/** Errors: `ERR_BN_PARAM`, an input twice, or one without a name beside others; `ERR_BN_DATA` as `readNpy`. */
export async function readInputs(options: readonly string[]): Promise<GivenInputs> {
  const tensors: Record<string, Tensor> = {};
  for (const option of options) {
    // Names of tensors may hold "=", files rarely do: the last one parts them.
    const at = option.lastIndexOf("=");
    const [name, path] = at < 0 ? ["", option] : [option.slice(0, at), option.slice(at + 1)];
    if (Object.hasOwn(tensors, name)) {
      const twice = name === "" ? "two inputs without a name" : `input "${name}" twice`;
      throw new BnError("ERR_BN_PARAM", `--input: ${twice}; give --input name=FILE.npy, once a name`);
    }
    tensors[name] = await readNpy(path);
  }
  if (Object.hasOwn(tensors, "") && options.length > 1)
    throw new BnError("ERR_BN_PARAM", "--input: one without a name among several; give --input name=FILE.npy each");
  return { tensors };
}

/** `tensors` under the names of the model's inputs. Errors: `ERR_BN_PARAM`, no name, and not one input. */
export function feedsFor({ tensors }: GivenInputs, namesOf: () => readonly string[]): Readonly<Record<string, Tensor>> {
  const only = tensors[""];
  if (!only) return tensors;
  const names = namesOf();
  const [name] = names;
  if (names.length === 1 && name !== undefined) return { [name]: only };
  const all = names.map((one) => `"${one}"`).join(", ");
  throw new BnError(
    "ERR_BN_PARAM",
    `--input: the model has ${names.length} inputs, ${all}; give --input name=FILE.npy`,
  );
}
