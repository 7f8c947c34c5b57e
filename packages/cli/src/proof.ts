import { onnxRuntimeMissing } from "@bn/onnx/verify";
import { unavailable } from "./errors.ts";

/**
 * Why ONNX Runtime proves nothing here, or null if it can. `asked` is the value of `option`, which is undefined if the
 * user did not say. Errors: `ERR_BN_UNAVAILABLE` if a proof was requested but ONNX Runtime is missing.
 */
export async function whyUnproven(option: string, asked: boolean | undefined): Promise<string | null> {
  if (asked === false) return `--no-${option}`;
  const missing = await onnxRuntimeMissing();
  if (missing !== null && asked) throw unavailable(`--${option}: ${missing}`);
  return missing;
}
