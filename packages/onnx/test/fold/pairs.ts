import { random } from "@bn/conformance";
import { checkFold, foldModel } from "../../src/index.ts";
import { mutated } from "../mutate.ts";
import { CHAINS, KINDS } from "./kinds.ts";
import { netOf } from "./net.ts";

/** Small networks of every kind with their folded forms, from which each pair is derived. */
const ORIGINALS = [...KINDS, ...CHAINS].map(({ net }) => netOf(net));
const FOLDED = await Promise.all(ORIGINALS.map(async (bytes) => (await foldModel(bytes)).bytes));

/** The `n`th pair of a seed, with one or both members mutated. It is the same on every machine. */
export function pairOf(seed: string, n: number): readonly [Uint8Array, Uint8Array] {
  const dice = random(`${seed}/pair/${n}`);
  const k = dice.integer(0, ORIGINALS.length - 1);
  const [original, folded] = [ORIGINALS[k] as Uint8Array, FOLDED[k] as Uint8Array];
  const which = dice.integer(0, 3);
  return [
    which !== 1 ? mutated(`${seed}/original`, n, [original]) : original,
    which !== 0 ? mutated(`${seed}/folded`, n, which === 3 ? [original] : [folded]) : folded,
  ];
}

/** The outcome of a pair: verdicts, no layer to judge, or a typed error. Throws for any other outcome. */
export async function outcomeOf(pair: readonly [Uint8Array, Uint8Array]): Promise<"judged" | "nothing" | "refused"> {
  try {
    const rows = await checkFold(...pair);
    for (const { status, layer, ratio } of rows) {
      if (status === "right" ? !(ratio <= 1) : ratio <= 1) throw new Error(`${layer} is ${status} at ${ratio}`);
    }
    await foldModel(pair[0]);
    return rows.length > 0 ? "judged" : "nothing";
  } catch (error) {
    const { name, code } = error as { name?: string; code?: string };
    if (name === "BnError" && code === "ERR_BN_DATA") return "refused";
    throw error;
  }
}
