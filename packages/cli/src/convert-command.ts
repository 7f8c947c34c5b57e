import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { ConvertedNet } from "@bn/caffe";
import { BnError } from "@bn/core";
import { onnxRuntimeMissing, type VerifyReport, verifyPassed } from "@bn/onnx/verify";
import { backendsOf } from "./backends.ts";
import { convertFiles, feedsOf, type NetworkOptions } from "./caffe-network.ts";
import { readInputs } from "./inputs-option.ts";
import { checkOneStream, checkWritable, printable, writeReport } from "./output.ts";
import { verifyJson, verifyText } from "./verify-report.ts";
import { runVerify } from "./verify-run.ts";

export interface ConvertCommandOptions extends NetworkOptions {
  readonly net?: string;
  readonly input?: readonly string[];
  readonly backend?: string;
  /** If undefined, it depends on whether onnxruntime-node is installed. */
  readonly verify?: boolean;
  readonly json?: string;
  readonly force?: boolean;
}

/** `bn convert` writes a Caffe network as an ONNX model, but only if its proof holds or none was requested. */
export async function convertCommand(
  weights: string,
  out: string,
  options: ConvertCommandOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { net } = options;
  if (net === undefined) {
    throw new BnError(
      "ERR_BN_PARAM",
      "--net: not given, expected the .prototxt of the network for inference (deploy.prototxt)",
    );
  }
  const { json, force = false } = options;
  for (const key of options.verify === false ? (["backend", "input"] as const) : []) {
    if (options[key] === undefined) continue;
    throw new BnError(
      "ERR_BN_PARAM",
      `--${key} cannot be combined with --no-verify: it is an option of the proof; leave one of them out`,
    );
  }
  checkOneStream({ OUT: out, "--json": json });
  await checkOutput(out, [weights, net], force);
  if (json !== undefined) await checkWritable("--json", json, force);
  const given = await readInputs(options.input ?? []);
  const converted = await convertFiles(net, weights, options);
  const feeds = feedsOf(given, converted);
  const why = await unverified(options.verify);
  const report =
    why === null
      ? await runVerify(converted.bytes, await backendsOf(options.backend), { signal, feeds, layers: converted.norms })
      : null;
  const passed = report === null || verifyPassed(report, true);
  if (passed) await writeReport(out, converted.bytes);
  (out === "-" || json === "-" ? process.stderr : process.stdout).write(convertText(converted, report, why));
  if (json !== undefined) await writeReport(json, convertJson(converted, report, passed));
  process.stderr.write(passed ? `${out}: written\n` : `${out}: not written, because the proof failed\n`);
  return passed;
}

async function checkOutput(out: string, sources: readonly string[], force: boolean): Promise<void> {
  await checkWritable("the model", out);
  if (out === "-") return;
  if (sources.some((source) => resolve(source) === resolve(out))) {
    throw new BnError("ERR_BN_PARAM", `the model ${out}: this is one of the files to read; choose another output file`);
  }
  const there = await stat(out).catch(() => null);
  if (there?.isFile() && !force) {
    throw new BnError(
      "ERR_BN_PARAM",
      `the model ${out}: this file exists already; choose another, or give --force to replace it`,
    );
  }
}

/**
 * The reason why there is no proof, or null if there is one. Errors: `ERR_BN_UNAVAILABLE` if it was requested but
 * cannot be made.
 */
async function unverified(asked: boolean | undefined): Promise<string | null> {
  if (asked === false) return "--no-verify";
  const missing = await onnxRuntimeMissing();
  if (missing === null) return null;
  if (asked) throw new BnError("ERR_BN_UNAVAILABLE", `--verify: ${missing}`);
  return missing;
}

function convertText(converted: ConvertedNet, report: VerifyReport | null, why: string | null): string {
  const { outputs, inputs, norms, opset, diagnostics } = converted;
  const port = (kind: string) => (one: ConvertedNet["inputs"][number]) => {
    const other = one.tensor === one.blob ? "" : `  (blob ${printable(one.blob)})`;
    return `${kind} ${printable(one.tensor)}  ${one.shape.join("x") || "scalar"}${other}`;
  };
  const blocks = [
    // The proof already lists the inputs.
    [...(report ? [] : inputs.map(port("input"))), ...outputs.map(port("output"))].join("\n"),
    `operator set ${opset}, ${norms.size} BatchNormalization ${norms.size === 1 ? "node" : "nodes"}`,
    diagnostics.map(({ kind, message }) => `${kind}: ${printable(message)}`).join("\n"),
    report === null ? `not verified: ${why}` : proofText(report),
  ];
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

function proofText(report: VerifyReport): string {
  if (report.rows.length > 0) return verifyText(report).trimEnd();
  return "ONNX Runtime runs the model, which has no BatchNormalization to compare";
}

function convertJson(
  { outputs, inputs, norms, opset, diagnostics }: ConvertedNet,
  report: VerifyReport | null,
  passed: boolean,
) {
  const proof = report === null ? null : JSON.parse(verifyJson(report));
  const head = { passed, opset, inputs, outputs, batchNormalizations: norms.size, diagnostics };
  return `${JSON.stringify({ ...head, verify: proof }, null, 2)}\n`;
}
