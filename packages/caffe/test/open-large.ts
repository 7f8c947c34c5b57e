import { readFileSync } from "node:fs";
import { openWeights } from "../src/file-system.ts";
import { decodeBlob, importNet } from "../src/index.ts";

/**
 * Opens a file, reads every blob and keeps all of them. Prints the most bytes of memory that this took, and the number
 * of layers.
 */
const [path = ""] = process.argv.slice(2);
// Linux starts a process's maxRSS at that of its parent, which may be larger than all that is taken here.
const peak = () =>
  1024 *
  (process.platform === "linux"
    ? Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1])
    : process.resourceUsage().maxRSS);
const before = peak();
const weights = await openWeights(path);
const { layers } = importNet({ weights });
const blobs = weights.message.layer.map((layer) => layer.blobs.map((bytes) => decodeBlob(bytes)));
const values = blobs.flat().reduce((sum, { data }) => sum + data.length, 0);
console.log(JSON.stringify({ bytes: peak() - before, layers: layers.length, values }));
