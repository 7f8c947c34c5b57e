import { type ConvertedNet, convertNet } from "@bn/caffe";
import { type VerifyReport, verifyPassed } from "@bn/onnx/verify";
import { backendsOf } from "./backends.ts";
import { feedsOf, type NetworkOptions, openNetwork } from "./caffe-network.ts";
import { bad } from "./errors.ts";
import { openOutputs, type ReportOptions } from "./files.ts";
import { inputFiles, readInputs } from "./inputs-option.ts";
import { refuse } from "./option-values.ts";
import { paragraphs, printable } from "./output.ts";
import { whyUnproven } from "./proof.ts";
import { verifyJson, verifyText } from "./verify-report.ts";
import { runVerify } from "./verify-run.ts";

export interface ConvertCommandOptions extends NetworkOptions, ReportOptions {
  readonly net?: string;
  readonly input?: readonly string[];
  readonly backend?: string;
  /** If undefined, it depends on whether onnxruntime-node is installed. */
  readonly verify?: boolean;
}

/** `bn convert` writes a Caffe network as an ONNX model, but only if its proof holds or none was requested. */
export async function convertCommand(
  weights: string,
  out: string,
  options: ConvertCommandOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { net, json, force, backend, input } = options;
  if (net === undefined)
    throw bad("--net: not given, expected the .prototxt of the network for inference (deploy.prototxt)");
  if (options.verify === false) {
    refuse({ "--backend": backend, "--input": input }, "cannot be combined with --no-verify: it is for the proof");
  }
  const outputs = await openOutputs({ "the model": out, "--json": json }, force, [weights, net, ...inputFiles(input)]);
  const given = await readInputs(input ?? []);
  const converted = convertNet(await openNetwork(net, weights, options));
  const feeds = feedsOf(given, converted);
  const why = await whyUnproven("verify", options.verify);
  const report =
    why === null
      ? await runVerify(converted.bytes, await backendsOf(backend), { signal, feeds, layers: converted.norms })
      : null;
  const passed = report === null || verifyPassed(report, true);
  outputs.text.write(convertText(converted, report, why));
  const reports = { "--json": () => convertJson(converted, report, passed) };
  await outputs.write(passed ? { "the model": () => converted.bytes, ...reports } : reports);
  process.stderr.write(passed ? `${out}: written\n` : `${out}: not written, because the proof failed\n`);
  return passed;
}

function convertText(converted: ConvertedNet, report: VerifyReport | null, why: string | null): string {
  const { outputs, inputs, norms, opset, diagnostics } = converted;
  const port = (kind: string) => (one: ConvertedNet["inputs"][number]) => {
    const other = one.tensor === one.blob ? "" : `  (blob ${printable(one.blob)})`;
    return `${kind} ${printable(one.tensor)}  ${one.shape.join("x") || "scalar"}${other}`;
  };
  return paragraphs([
    // The proof already lists the inputs.
    [...(report ? [] : inputs.map(port("input"))), ...outputs.map(port("output"))].join("\n"),
    `operator set ${opset}, ${norms.size} BatchNormalization ${norms.size === 1 ? "node" : "nodes"}`,
    diagnostics.map(({ kind, message }) => `${kind}: ${printable(message)}`).join("\n"),
    report === null ? `not verified: ${why}` : proofText(report),
  ]);
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
