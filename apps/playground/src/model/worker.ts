import {
  inputNames,
  parseNpy,
  type Tensor,
  type VerifyReport,
  type VerifyRow,
  verifyHtml,
  verifyModel,
} from "@bn/onnx/web";
import type { BackendName } from "../backends.ts";
import { withOpened } from "../parts/opened.ts";
import type { PlainError } from "../parts/problem.ts";
import { serveTask } from "../parts/serve-task.ts";
import type { Inspected } from "./facts.ts";
import { externalOf, type ModelFiles } from "./files.ts";
import { inspect, runnable } from "./read.ts";

/** Files are passed as handles. Their bytes are read here, and never on the page's own thread. */
export type ModelOrder =
  | { readonly kind: "inspect"; readonly files: ModelFiles }
  | {
      readonly kind: "verify";
      readonly files: ModelFiles;
      readonly backends: readonly BackendName[];
      /** Values for the network's only input; null to generate them. */
      readonly input: File | null;
    };

export type ModelMessage =
  | { readonly type: "inspected"; readonly inspected: Inspected }
  | { readonly type: "missing"; readonly backend: BackendName; readonly error: PlainError }
  | { readonly type: "row"; readonly row: VerifyRow; readonly done: number; readonly total: number }
  | { readonly type: "verified"; readonly report: VerifyReport; readonly html: string };

serveTask<ModelOrder, ModelMessage>(async (order, post, openBackend) => {
  const { files } = order;
  if (order.kind === "inspect") return post({ type: "inspected", inspected: await inspect(files) });
  const { bytes, layers } = await runnable(files);
  const openings = order.backends.map((name) => {
    const open = async () => {
      const backend = await openBackend(name);
      return { backend, close: () => backend.dispose() };
    };
    return [name, open] as const;
  });
  const onMissing = (backend: BackendName, error: PlainError) => post({ type: "missing", backend, error });
  await withOpened(openings, onMissing, async (backends) => {
    if (backends.length === 0) throw new Error("none of the chosen backends works in this browser; choose another");
    const { createWebRuntime } = await import("./runtime.ts"); // 14 MB that inspection does not need
    const report = await verifyModel(
      bytes,
      backends.map(({ backend }) => backend),
      {
        feeds: await feedsOf(bytes, order.input),
        external: externalOf(files),
        runtime: createWebRuntime(),
        ...(layers && { layers }),
        onRow: (row, done, total) => post({ type: "row", row, done, total }),
      },
    );
    post({ type: "verified", report, html: verifyHtml(files.model.name, report) });
  });
});

async function feedsOf(bytes: Uint8Array, input: File | null): Promise<Record<string, Tensor>> {
  if (!input) return {};
  const names = inputNames(bytes);
  const [name] = names;
  if (names.length !== 1 || name === undefined) {
    throw new Error(
      `the model has ${names.length} inputs (${names.join(", ")}); an input file can only be given to a model with one input`,
    );
  }
  return { [name]: parseNpy(new Uint8Array(await input.arrayBuffer()), input.name) };
}
