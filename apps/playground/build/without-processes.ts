import type { Plugin } from "vite";

/**
 * `verifyModel` can start ONNX Runtime in a process, where nobody brings a runtime. The page brings one, so that the module,
 * which imports Node's own, is left out of the bundle, and so is onnxruntime-node: whoever loads them is told.
 */
export function withoutProcesses(): Plugin {
  const empty = "\0bn-no-processes";
  return {
    name: "bn-without-processes",
    enforce: "pre",
    resolveId(source, importer) {
      const ours = importer !== undefined && /[\\/]onnx[\\/]dist[\\/]verify[\\/]/.test(importer);
      return ours && (source === "./process.js" || source === "onnxruntime-node") ? empty : null;
    },
    load(id) {
      if (id !== empty) return null;
      return `export const createRuntime = () => { throw new Error("a page has no processes: pass a runtime"); };`;
    },
  };
}
