import type { ValueInfoProto } from "onnx-buf";
import type { Model } from "./proto.ts";

/** The inputs of a model except for initialisers, which are also listed as inputs before IR 4. */
export function inputsOf({ graph }: Model): ValueInfoProto[] {
  const stored = new Set(
    [...graph.initializer, ...graph.sparseInitializer.map(({ values }) => values)].map((one) => one?.name),
  );
  return graph.input.filter(({ name }) => !stored.has(name));
}
