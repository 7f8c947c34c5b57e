import { BnError } from "@bn/core";
import { type FoldRow, foldModel } from "@bn/onnx";
import { openModel } from "@bn/onnx/node";
import { align } from "./align.ts";
import { isCaffe } from "./caffe.ts";
import { type FoldCaffeOptions, foldCaffe } from "./fold-caffe.ts";
import { checkWritable, printable, writeReport } from "./output.ts";

export interface FoldCommandOptions extends FoldCaffeOptions {
  readonly duplicate?: boolean;
  readonly maxLoss?: string;
  readonly json?: string;
  readonly force?: boolean;
}

/** `bn fold`: a model with its normalizations in the layers beside them. True if at least one was folded. */
export async function foldCommand(path: string, out: string, options: FoldCommandOptions): Promise<boolean> {
  const maxLostDigits = digitsOf(options.maxLoss);
  await checkWritable("the folded model", out, options.force ?? false);
  if (options.json !== undefined) await checkWritable("--json", options.json, options.force ?? false);
  const rows = isCaffe(path, options)
    ? await foldCaffe(path, out, options, maxLostDigits)
    : await foldOnnx(path, out, maxLostDigits, options.duplicate ?? false);
  if (options.json !== undefined) await writeReport(options.json, `${JSON.stringify({ rows }, null, 2)}\n`);
  process.stderr.write(foldText(rows));
  return rows.some(({ status }) => status === "folded");
}

async function foldOnnx(path: string, out: string, maxLostDigits: number, duplicate: boolean) {
  const { bytes, external } = await openModel(path);
  const folded = await foldModel(bytes, { external, maxLostDigits, duplicate });
  await writeReport(out, folded.bytes);
  return folded.rows;
}

function foldText(rows: readonly FoldRow[]): string {
  const [done, left] = [
    rows.filter(({ status }) => status === "folded"),
    rows.filter(({ status }) => status === "left"),
  ];
  const head = ["node", "operator", "side", "into", "digits"];
  const table = done.map(({ node, operator, side, into, lostDigits }) => {
    return [printable(node), operator, side ?? "", printable(into), lostDigits.toFixed(1)];
  });
  const blocks = [
    done.length > 0 ? align([head, ...table], [1, 2, 3]).join("\n") : "",
    left.map(({ node, reason }) => `left ${printable(node)}: ${printable(reason)}`).join("\n"),
    `${done.length} folded, ${left.length} left`,
  ];
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

function digitsOf(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const digits = text.trim() === "" ? Number.NaN : Number(text);
  if (digits >= 0) return digits;
  throw new BnError("ERR_BN_PARAM", `--max-loss ${text}: expected a number of decimal digits, from 0 on`);
}
