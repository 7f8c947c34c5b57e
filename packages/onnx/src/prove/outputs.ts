import type { Tensor } from "../verify/runtime.ts";
import type { ProofOutput } from "./report.ts";

/** Compares the numeric outputs of both networks. */
export function compareOutputs(
  expected: ReadonlyMap<string, Tensor>,
  found: ReadonlyMap<string, Tensor>,
): readonly ProofOutput[] {
  return [...expected].flatMap(([name, tensor]): ProofOutput[] => {
    const values = numbersIn(tensor);
    const other = found.get(name);
    if (values === null) return [];
    const { shape } = tensor;
    if (other === undefined || String(other.shape) !== String(shape)) {
      const reason = other === undefined ? "the folded network has no such output" : `its shape is [${other.shape}]`;
      return [{ name, shape, error: Number.NaN, largest: Number.NaN, reason }];
    }
    const got = numbersIn(other) ?? [];
    let [error, largest, lost] = [0, 0, 0];
    for (let i = 0; i < values.length; i++) {
      const [value, folded] = [values[i] as number, got[i] as number];
      if (!Number.isFinite(value)) continue;
      if (!Number.isFinite(folded)) lost++;
      else error = Math.max(error, Math.abs(folded - value));
      largest = Math.max(largest, Math.abs(value));
    }
    const reason = lost > 0 ? `${lost} values are not finite where the original's are` : "";
    return [{ name, shape, error, largest, reason }];
  });
}

/** 64-bit integers, e.g. from a search for the largest value, lose nothing that matters here. */
export function numbersIn({ data }: Tensor): ArrayLike<number> | null {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Array.from(data as BigInt64Array, Number);
  return ArrayBuffer.isView(data) ? (data as Float32Array) : null;
}
