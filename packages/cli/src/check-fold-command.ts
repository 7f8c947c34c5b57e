import { type CheckFoldRow, judgeFolds } from "@bn/onnx";
import { align } from "./align.ts";
import { openOutputs, type ReportOptions } from "./files.ts";
import { attemptsIn, tasksIn } from "./fold-sides.ts";
import { paragraphs, printable } from "./output.ts";

export interface CheckFoldOptions extends ReportOptions {
  readonly net?: string;
  readonly netFolded?: string;
  readonly dialect?: string;
}

/**
 * `bn check-fold` checks whether the normalizations of one network were folded correctly into another. Resolves to true
 * if every layer is right.
 */
export async function checkFoldCommand(
  original: string,
  folded: string,
  { json, force, net, netFolded, dialect }: CheckFoldOptions,
): Promise<boolean> {
  const outputs = await openOutputs({ "--json": json }, force, [original, folded, net, netFolded]);
  const tasks = await tasksIn(original, net, dialect);
  const rows = judgeFolds(tasks, await attemptsIn(folded, netFolded));
  await outputs.write({ "--json": () => `${JSON.stringify({ rows }, null, 2)}\n` });
  outputs.text.write(checkFoldText(rows));
  return rows.length > 0 && rows.every(({ status }) => status === "right");
}

/** Lists the worst first. */
function checkFoldText(rows: readonly CheckFoldRow[]): string {
  if (rows.length === 0) return "the original has no normalization that can be folded, so there is nothing to check\n";
  const order = { wrong: 0, missing: 1, "not folded": 2, right: 3 } as const;
  const sorted = rows.toSorted((a, b) => order[a.status] - order[b.status] || b.ratio - a.ratio);
  const head = ["layer", "found as", "verdict", "error / bound", "what"];
  const table = sorted.map(({ layer, found, status, ratio, mistake, evidence }) => {
    const number = Number.isNaN(ratio) ? "" : ratio < 1000 ? ratio.toPrecision(2) : ratio.toExponential(1);
    return [
      printable(layer),
      printable(found),
      status,
      number,
      printable(mistake ?? (status === "right" ? "" : evidence)),
    ];
  });
  const named = sorted.filter(({ mistake }) => mistake !== null);
  const count = (status: CheckFoldRow["status"]) => rows.filter((row) => row.status === status).length;
  return paragraphs([
    align([head, ...table], [1, 2, 4]).join("\n"),
    named.map(({ layer, mistake, evidence }) => `${printable(layer)}: ${mistake}. ${evidence}`).join("\n"),
    `${count("right")} right, ${count("wrong")} wrong, ${count("not folded")} not folded, ${count("missing")} missing`,
  ]);
}
