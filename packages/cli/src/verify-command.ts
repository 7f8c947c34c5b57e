import { basename } from "node:path";
import { BnError } from "@bn/core";
import { openModel } from "@bn/onnx/node";
import {
  createRuntime,
  inputNames,
  type VerifyOptions as RunOptions,
  type RuntimeOptions,
  verifyHtml,
  verifyPassed,
} from "@bn/onnx/verify";
import { backendsOf } from "./backends.ts";
import { convertFiles, feedsOf, type NetworkOptions, shapesOf } from "./caffe-network.ts";
import { feedsFor, type GivenInputs, readInputs } from "./inputs-option.ts";
import { checkOneStream, checkWritable, printable, writeReport } from "./output.ts";
import { verifyJson, verifyText } from "./verify-report.ts";
import { runVerify } from "./verify-run.ts";

export interface VerifyOptions extends NetworkOptions {
  /** The .prototxt of a Caffe network, if its weights are to be verified. */
  readonly net?: string;
  readonly backend?: string;
  readonly input?: readonly string[];
  readonly json?: string;
  readonly html?: string;
  readonly timeout?: string;
  readonly maxMemory?: string;
  readonly allowNone?: boolean;
  readonly force?: boolean;
}

/** `bn verify` resolves to true if every node is within its bounds on every backend that has its dtype. */
export async function verifyCommand(path: string, options: VerifyOptions, signal: AbortSignal): Promise<boolean> {
  const { json, html, force = false, allowNone = false } = options;
  checkOneStream({ "--json": json, "--html": html });
  if (json !== undefined) await checkWritable("--json", json, force);
  if (html !== undefined) await checkWritable("--html", html, force);
  const limits = limitsOf(options);
  const inputs = await readInputs(options.input ?? []);
  const opened = await openSubject(path, inputs, options);
  const backends = await backendsOf(options.backend);
  await using runtime = createRuntime({ signal, ...limits });
  const report = await runVerify(opened.bytes, backends, { ...opened.with, signal, runtime });
  const table = json === "-" || html === "-" ? process.stderr : process.stdout;
  table.write(verifyText(report));
  if (json !== undefined) await writeReport(json, verifyJson(report));
  if (html !== undefined) await writeReport(html, verifyHtml(basename(path), report, allowNone));
  return verifyPassed(report, allowNone);
}

/** The limits of the process that ONNX Runtime runs in. */
export function limitsOf({ timeout, maxMemory }: VerifyOptions): RuntimeOptions {
  const [seconds, mebibytes] = [positive("--timeout", timeout), positive("--max-memory", maxMemory)];
  return {
    ...(seconds === undefined ? {} : { timeout: seconds }),
    ...(mebibytes === undefined ? {} : { memory: mebibytes * 2 ** 20 }),
  };
}

function positive(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (value > 0 && value < Number.POSITIVE_INFINITY) return value;
  throw new BnError("ERR_BN_PARAM", `${option} ${text}: expected a number above 0`);
}

/** The model to verify, with its inputs. */
interface Subject {
  readonly bytes: Uint8Array;
  readonly with: Pick<RunOptions, "feeds" | "shapes" | "external" | "layers">;
}

/** Opens an ONNX model, or converts a Caffe network, which keeps its own blobs for the backends. */
async function openSubject(path: string, inputs: GivenInputs, options: VerifyOptions): Promise<Subject> {
  const { net } = options;
  if (net === undefined) {
    if (path.endsWith(".caffemodel")) {
      throw new BnError(
        "ERR_BN_PARAM",
        `${path}: this file holds Caffe weights only; pass their network with --net DEPLOY.prototxt`,
      );
    }
    if (options.dialect !== undefined)
      throw new BnError("ERR_BN_PARAM", "--dialect is for Caffe networks, and this is an ONNX model; leave it out");
    const { bytes, external } = await openModel(path);
    const shapes = shapesOf(options.shape ?? []);
    return { bytes, with: { feeds: feedsFor(inputs, () => inputNames(bytes)), shapes, external } };
  }
  const converted = await convertFiles(net, path, options);
  for (const { kind, message } of converted.diagnostics) process.stderr.write(`${kind}: ${printable(message)}\n`);
  if (converted.norms.size === 0) {
    throw new BnError(
      "ERR_BN_DATA",
      `${net}: there is no BatchNorm with stored statistics, so there is nothing to verify`,
    );
  }
  return { bytes: converted.bytes, with: { feeds: feedsOf(inputs, converted), layers: converted.norms } };
}
