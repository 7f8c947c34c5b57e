import type { Plugin } from "vite";

/**
 * Without a runtime, `verifyModel` starts ONNX Runtime in a process. The page passes a runtime, so this plugin keeps
 * that module, which imports Node's own, and onnxruntime-node out of the bundle. Code that loads them gets an error.
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
      return `export const createRuntime = () => { throw new Error("a page cannot start processes; pass a runtime"); };`;
    },
  };
}
