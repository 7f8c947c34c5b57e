import { type Case, type CaseOptions, cases } from "@bn/conformance";
import { loadGoldenCases } from "@bn/conformance/node";
import { onnxCases, onnxRuntimeMissing } from "@bn/onnx/verify";
import { bad, dataError } from "./errors.ts";
import { matcher } from "./filter.ts";
import type { SuiteOptions } from "./judge/order.ts";

/**
 * Chooses the cases of `bn conformance`: the golden cases of a folder or, without one, the whole suite, and of these
 * the ones that `filter` matches. The process of a backend calls it with the same options, and gets the same cases in
 * the same order.
 *
 * Errors: `ERR_BN_DATA` for a folder that is not golden data, `ERR_BN_PARAM` if no case matches.
 */
export async function chooseCases(
  { goldens: folder, filter, tier, seed }: SuiteOptions,
  say: (text: string) => void,
): Promise<readonly Case[]> {
  const all = folder === undefined ? await wholeSuite({ tier, seed }, say) : await loadGoldenCases(folder);
  if (all.length === 0) throw dataError(`--goldens ${folder}: cases.json lists no case; name another folder`);
  if (filter === undefined) return all;
  const matches = matcher(filter);
  const some = all.filter(({ id }) => matches(id));
  if (some.length === 0) {
    const groups = [...new Map(all.map(({ group, id }) => [group, id])).values()];
    throw bad(`no case matches --filter ${filter}; ids look like ${groups.join(", ")}`);
  }
  return some;
}

async function wholeSuite(options: CaseOptions, say: (text: string) => void): Promise<Case[]> {
  const own = [...cases(options), ...(await loadGoldenCases())];
  const missing = await onnxRuntimeMissing();
  const onnx = onnxCases(options);
  if (missing === null) return [...own, ...onnx];
  say(`onnxruntime: ${onnx.length} cases are skipped: ${missing}\n`);
  return own;
}
