import { basename } from "node:path";
import { BnError } from "@bn/core";
import type { FoldRow } from "@bn/onnx";
import { createRuntime, type FoldProof, onnxRuntimeMissing, proofPassed, proveFold } from "@bn/onnx/verify";
import { foldHtml } from "./fold-html.ts";
import { foldJson, foldText, nameIn } from "./fold-report.ts";
import { type FoldResult, type FoldSubject, type FoldSubjectOptions, openFoldSubject } from "./fold-subject.ts";
import { readInputs } from "./inputs-option.ts";
import { checkWritable } from "./output.ts";
import { createProgress } from "./progress.ts";
import { limitsOf } from "./verify-command.ts";
import { checkApart, type OutputFile, writeAll } from "./write-all.ts";

export interface FoldCommandOptions extends FoldSubjectOptions {
  readonly maxLoss?: string;
  /** If undefined, it depends on whether onnxruntime-node is installed. */
  readonly proof?: boolean;
  readonly input?: readonly string[];
  readonly json?: string;
  readonly html?: string;
  readonly timeout?: string;
  readonly maxMemory?: string;
  readonly force?: boolean;
}

/** A folded network with its proof, or the reason why there is none. */
export interface FoldOutcome extends Pick<FoldResult, "rows"> {
  readonly proof: FoldProof | null;
  readonly unproven: string;
}

/**
 * `bn fold` folds a model's normalizations into the layers next to them, and writes the result only if its proof holds
 * or none was requested. Resolves to true if at least one was folded, and the proof holds.
 */
export async function foldCommand(
  path: string,
  out: string,
  options: FoldCommandOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { json, html, net, netOut, force = false, input = [] } = options;
  const limit = digitsOf(options.maxLoss);
  const limits = limitsOf(options);
  checkProofOptions(options);
  const outputs = { "the folded model": out, "--net-out": netOut, "--json": json, "--html": html };
  const inputFiles = input.map((one) => one.slice(one.lastIndexOf("=") + 1));
  await checkApart(outputs, [path, ...(net === undefined ? [] : [net]), ...inputFiles]);
  for (const [name, file] of Object.entries(outputs)) if (file !== undefined) await checkWritable(name, file, force);
  const fold = await openFoldSubject(path, out, options, limit, await readInputs(input));
  const unproven = await whyUnproven(options.proof);
  await using runtime = createRuntime({ signal, ...limits });
  const proven = await foldAndProve(fold, limit, unproven === "" ? { runtime, signal } : null);
  const outcome: FoldOutcome = { rows: proven.result.rows, proof: proven.proof, unproven };
  const passed = proven.proof === null || proofPassed(proven.proof);
  const reports: OutputFile[] = [
    ...(json === undefined ? [] : [{ path: json, content: foldJson(outcome, passed) }]),
    ...(html === undefined ? [] : [{ path: html, content: foldHtml(basename(path), outcome, passed) }]),
  ];
  await writeAll(passed ? [...proven.result.files, ...reports] : reports, force);
  const stream = Object.values(outputs).includes("-") ? process.stderr : process.stdout;
  stream.write(foldText(outcome));
  if (!passed) process.stderr.write(`${out}: not written, because the proof failed; --no-proof writes it anyway\n`);
  return passed && outcome.rows.some(({ status }) => status === "folded");
}

interface Proven {
  readonly result: FoldResult;
  readonly proof: FoldProof | null;
}

type Runs = Pick<NonNullable<Parameters<typeof proveFold>[2]>, "runtime" | "signal">;

/** Layers that lose more digits in the run than the limit allows are left unchanged, and the rest is proven again. */
async function foldAndProve(fold: FoldSubject, limit: number, runs: Runs | null): Promise<Proven> {
  const result = await fold(new Map());
  if (runs === null) return { result, proof: null };
  const proof = await prove(result, runs);
  const leave = overLimit(result.rows, proof, limit);
  if (leave.size === 0) return { result, proof };
  const rest = await fold(leave);
  return { result: rest, proof: await prove(rest, runs) };
}

async function prove(result: FoldResult, runs: Runs): Promise<FoldProof> {
  const progress = createProgress(process.stderr, process.env);
  try {
    const { original, folded, with: given } = result.pair();
    progress.start("proof", new Set(result.rows.map(({ into }) => into).filter((into) => into !== "")).size);
    const proof = await proveFold(original, folded, {
      ...given,
      ...runs,
      onRow: ({ layer }, done) => progress.step(done, layer),
    });
    progress.end(`${proof.rows.length} ${proof.rows.length === 1 ? "layer" : "layers"}`);
    return proof;
  } catch (error) {
    if (!(error instanceof BnError) || error.code !== "ERR_BN_DATA") throw error;
    throw new BnError("ERR_BN_DATA", `${error.message}; --no-proof folds without a proof`, { cause: error });
  } finally {
    progress.clear();
  }
}

/** The result uses the names of `rows`, because a converted network has other operator names. */
function overLimit(rows: readonly FoldRow[], proof: FoldProof, limit: number): ReadonlyMap<string, string> {
  const leave = new Map<string, string>();
  for (const { layer, lostDigits, lostChannels } of proof.rows) {
    if (!(lostDigits > limit)) continue;
    const channel = lostChannels[0]?.channel ?? "";
    const reason = `channel ${channel} loses ${lostDigits.toFixed(1)} decimal digits on this input, more than ${limit}`;
    for (const { into } of rows) if (into !== "" && nameIn(into) === nameIn(layer)) leave.set(into, reason);
  }
  return leave;
}

/**
 * The reason why there is no proof, or "" if there is one. Errors: `ERR_BN_UNAVAILABLE` if it was requested but cannot
 * be made.
 */
async function whyUnproven(asked: boolean | undefined): Promise<string> {
  if (asked === false) return "--no-proof";
  const missing = await onnxRuntimeMissing();
  if (missing !== null && asked) throw new BnError("ERR_BN_UNAVAILABLE", `--proof: ${missing}`);
  return missing ?? "";
}

/** Errors: `ERR_BN_PARAM` if an option for the proof is given together with --no-proof. */
function checkProofOptions({ proof, input, shape, html, timeout, maxMemory }: FoldCommandOptions): void {
  if (proof !== false) return;
  const given = { "--input": input, "--shape": shape, "--html": html, "--timeout": timeout, "--max-memory": maxMemory };
  for (const [option, value] of Object.entries(given)) {
    if (value === undefined) continue;
    throw new BnError("ERR_BN_PARAM", `${option} is for the proof, and --no-proof skips it; leave one of them out`);
  }
}

function digitsOf(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const digits = text.trim() === "" ? Number.NaN : Number(text);
  if (digits >= 0) return digits;
  throw new BnError("ERR_BN_PARAM", `--max-loss ${text}: expected a number of decimal digits >= 0`);
}
