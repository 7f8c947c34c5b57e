import type { Tensor } from "@bn/onnx/verify";
import { bad } from "./errors.ts";
import { readNpy } from "./npy.ts";

/**
 * The values of `--input`: `FILE.npy` for a network's only input, or `name=FILE.npy` for one of several. Values are
 * by name of input; "" stands for the only input, whatever its name.
 */
export type GivenInputs = Readonly<Record<string, Tensor>>;

/** The files that `--input` names. */
export function inputFiles(options: readonly string[] = []): readonly string[] {
  return options.map((option) => option.slice(option.lastIndexOf("=") + 1));
}

/**
 * Errors: `ERR_BN_PARAM` if an input is given twice, or one without a name together with others; `ERR_BN_DATA` as for
 * `readNpy`.
 */
export async function readInputs(options: readonly string[]): Promise<GivenInputs> {
  const tensors: Record<string, Tensor> = {};
  for (const option of options) {
    // Names of tensors may contain "=", and files rarely do, so the last one is the separator.
    const at = option.lastIndexOf("=");
    const [name, path] = at < 0 ? ["", option] : [option.slice(0, at), option.slice(at + 1)];
    if (Object.hasOwn(tensors, name)) {
      const twice = name === "" ? "two inputs without a name" : `input "${name}" twice`;
      throw bad(`--input: ${twice}; give --input name=FILE.npy, once per name`);
    }
    tensors[name] = await readNpy(path);
  }
  if (Object.hasOwn(tensors, "") && options.length > 1)
    throw bad("--input: several inputs, and one has no name; give --input name=FILE.npy for each");
  return tensors;
}

/**
 * Gives `tensors` the names of the model's inputs. Errors: `ERR_BN_PARAM` if there is no name and the model has more
 * than one input or none.
 */
export function feedsFor(tensors: GivenInputs, namesOf: () => readonly string[]): GivenInputs {
  const only = tensors[""];
  if (!only) return tensors;
  const names = namesOf();
  const [name] = names;
  if (names.length === 1 && name !== undefined) return { [name]: only };
  const all = names.map((one) => `"${one}"`).join(", ");
  throw bad(`--input: the model has ${names.length} inputs, ${all}; give --input name=FILE.npy`);
}
