import { basename } from "node:path";
import { convertNet } from "@bn/caffe";
import { openModel } from "@bn/onnx/node";
import { createRuntime, inputNames, type VerifyOptions as RunOptions, verifyHtml, verifyPassed } from "@bn/onnx/verify";
import { backendsOf } from "./backends.ts";
import { isCaffe } from "./caffe.ts";
import { feedsOf, type NetworkOptions, openNetwork, shapesOf } from "./caffe-network.ts";
import { dataError } from "./errors.ts";
import { openOutputs, type ReportOptions } from "./files.ts";
import { feedsFor, type GivenInputs, inputFiles, readInputs } from "./inputs-option.ts";
import { type LimitOptions, limitsOf, refuse } from "./option-values.ts";
import { printable } from "./output.ts";
import { verifyJson, verifyText } from "./verify-report.ts";
import { runVerify } from "./verify-run.ts";

export interface VerifyOptions extends NetworkOptions, LimitOptions, ReportOptions {
  /** The .prototxt of a Caffe network, if its weights are to be verified. */
  readonly net?: string;
  readonly backend?: string;
  readonly input?: readonly string[];
  readonly allowNone?: boolean;
}

/** `bn verify` resolves to true if every node is within its bounds on every backend that has its dtype. */
export async function verifyCommand(path: string, options: VerifyOptions, signal: AbortSignal): Promise<boolean> {
  const { json, html, force, allowNone = false } = options;
  const outputs = await openOutputs({ "--json": json, "--html": html }, force, [
    path,
    options.net,
    ...inputFiles(options.input),
  ]);
  const limits = limitsOf(options);
  const inputs = await readInputs(options.input ?? []);
  const opened = await openSubject(path, inputs, options);
  const backends = await backendsOf(options.backend);
  await using runtime = createRuntime({ signal, ...limits });
  const report = await runVerify(opened.bytes, backends, { ...opened.with, signal, runtime });
  outputs.text.write(verifyText(report));
  await outputs.write({
    "--json": () => verifyJson(report),
    "--html": () => verifyHtml(basename(path), report, allowNone),
  });
  return verifyPassed(report, allowNone);
}

/** The model to verify, with its inputs. */
interface Subject {
  readonly bytes: Uint8Array;
  readonly with: Pick<RunOptions, "feeds" | "shapes" | "external" | "layers">;
}

/** Opens an ONNX model, or converts a Caffe network, which keeps its own blobs for the backends. */
async function openSubject(path: string, inputs: GivenInputs, options: VerifyOptions): Promise<Subject> {
  const { net } = options;
  if (!isCaffe(path, net)) {
    refuse({ "--dialect": options.dialect }, "is for Caffe networks, and this is an ONNX model");
    const { bytes, external } = await openModel(path);
    const shapes = shapesOf(options.shape ?? []);
    return { bytes, with: { feeds: feedsFor(inputs, () => inputNames(bytes)), shapes, external } };
  }
  const converted = convertNet(await openNetwork(net, path, options));
  for (const { kind, message } of converted.diagnostics) process.stderr.write(`${kind}: ${printable(message)}\n`);
  if (converted.norms.size === 0) {
    throw dataError(`${net}: there is no BatchNorm with stored statistics, so there is nothing to verify`);
  }
  return { bytes: converted.bytes, with: { feeds: feedsOf(inputs, converted), layers: converted.norms } };
}
