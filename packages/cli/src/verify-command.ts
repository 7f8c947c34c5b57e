import { basename } from "node:path";
import { BnError } from "@bn/core";
import { openModel } from "@bn/onnx/node";
import { inputNames, type VerifyOptions as RunOptions } from "@bn/onnx/verify";
import { backendsOf } from "./backends.ts";
import { convertFiles, feedsOf, type NetworkOptions } from "./caffe-network.ts";
import { feedsFor, type GivenInputs, readInputs } from "./inputs-option.ts";
import { checkWritable, printable, writeReport } from "./output.ts";
import { verifyHtml } from "./verify-html.ts";
import { verifyJson, verifyPassed, verifyText } from "./verify-report.ts";
import { runVerify } from "./verify-run.ts";

export interface VerifyOptions extends NetworkOptions {
  /** The .prototxt of a Caffe network, whose weights are verified then. */
  readonly net?: string;
  readonly backend?: string;
  readonly input?: readonly string[];
  readonly json?: string;
  readonly html?: string;
}

/** `bn verify`: true if every node is within its bounds on every backend that has its dtype. */
export async function verifyCommand(path: string, options: VerifyOptions, signal: AbortSignal): Promise<boolean> {
  const { json, html } = options;
  if (json === "-" && html === "-") {
    throw new BnError("ERR_BN_PARAM", "--json - and --html - both name standard output; write one of them to a file");
  }
  if (json !== undefined) await checkWritable("--json", json);
  if (html !== undefined) await checkWritable("--html", html);
  const inputs = await readInputs(options.input ?? []);
  const opened = await openSubject(path, inputs, options);
  const backends = await backendsOf(options.backend);
  const report = await runVerify(opened.bytes, backends, { ...opened.with, signal });
  const table = json === "-" || html === "-" ? process.stderr : process.stdout;
  table.write(verifyText(report));
  if (json !== undefined) await writeReport(json, verifyJson(report));
  if (html !== undefined) await writeReport(html, verifyHtml(basename(path), report));
  return verifyPassed(report);
}

/** What is verified, and with what. */
interface Subject {
  readonly bytes: Uint8Array;
  readonly with: Pick<RunOptions, "feeds" | "external" | "layers">;
}

/** An ONNX model, or a Caffe network that becomes one and keeps its own blobs for the backends. */
async function openSubject(path: string, inputs: GivenInputs, options: VerifyOptions): Promise<Subject> {
  const { net } = options;
  if (net === undefined) {
    if (path.endsWith(".caffemodel")) {
      throw new BnError(
        "ERR_BN_PARAM",
        `${path}: weights of Caffe; give the network that they are of, --net DEPLOY.prototxt`,
      );
    }
    const { bytes, external } = await openModel(path);
    return { bytes, with: { feeds: feedsFor(inputs, () => inputNames(bytes)), external } };
  }
  const converted = await convertFiles(net, path, options);
  for (const { kind, message } of converted.diagnostics) process.stderr.write(`${kind}: ${printable(message)}\n`);
  if (converted.norms.size === 0) {
    throw new BnError("ERR_BN_DATA", `${net}: no BatchNorm that uses stored statistics, so there is nothing to verify`);
  }
  return { bytes: converted.bytes, with: { feeds: feedsOf(inputs, converted), layers: converted.norms } };
}
