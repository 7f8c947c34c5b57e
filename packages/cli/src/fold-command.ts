import { basename } from "node:path";
import { BnError } from "@bn/core";
import type { FoldRow } from "@bn/onnx";
import { createRuntime, type FoldProof, proofPassed, proveFold } from "@bn/onnx/verify";
import { dataError } from "./errors.ts";
import { openOutputs, type ReportOptions } from "./files.ts";
import { foldHtml } from "./fold-html.ts";
import { foldJson, foldText, nameIn } from "./fold-report.ts";
import { type FoldResult, type FoldSubject, type FoldSubjectOptions, openFoldSubject } from "./fold-subject.ts";
import { inputFiles, readInputs } from "./inputs-option.ts";
import { type LimitOptions, limitsOf, numberOf, refuse } from "./option-values.ts";
import { createProgress } from "./progress.ts";
import { whyUnproven } from "./proof.ts";

export interface FoldCommandOptions extends FoldSubjectOptions, ReportOptions, LimitOptions {
  readonly maxLoss?: string;
  /** If undefined, it depends on whether onnxruntime-node is installed. */
  readonly proof?: boolean;
  readonly input?: readonly string[];
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
  const { json, html, net, netOut, force, input = [] } = options;
  const digits = "a number of decimal digits >= 0";
  const limit = numberOf("--max-loss", options.maxLoss, (value) => value >= 0, digits) ?? Number.POSITIVE_INFINITY;
  const limits = limitsOf(options);
  checkProofOptions(options);
  const paths = { "the folded model": out, "--net-out": netOut, "--json": json, "--html": html };
  const outputs = await openOutputs(paths, force, [path, net, ...inputFiles(input)]);
  const fold = await openFoldSubject(path, options, limit, await readInputs(input));
  const unproven = (await whyUnproven("proof", options.proof)) ?? "";
  await using runtime = createRuntime({ signal, ...limits });
  const proven = await foldAndProve(fold, limit, unproven === "" ? { runtime, signal } : null);
  const outcome: FoldOutcome = { rows: proven.result.rows, proof: proven.proof, unproven };
  const passed = proven.proof === null || proofPassed(proven.proof);
  const reports = {
    "--json": () => foldJson(outcome, passed),
    "--html": () => foldHtml(basename(path), outcome, passed),
  };
  const { model, net: folded } = proven.result;
  await outputs.write(passed ? { "the folded model": () => model, "--net-out": () => folded, ...reports } : reports);
  outputs.text.write(foldText(outcome));
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
    throw dataError(`${error.message}; --no-proof folds without a proof`, error);
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

/** Errors: `ERR_BN_PARAM` if an option for the proof is given together with --no-proof. */
function checkProofOptions({ proof, input, shape, html, timeout, maxMemory }: FoldCommandOptions): void {
  if (proof !== false) return;
  const given = { "--input": input, "--shape": shape, "--html": html, "--timeout": timeout, "--max-memory": maxMemory };
  refuse(given, "is for the proof, and --no-proof skips it");
}
