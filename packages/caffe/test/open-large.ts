import { openWeights } from "../src/file-system.ts";
import { decodeBlob, importNet } from "../src/index.ts";

/**
 * Opens a file, reads every blob and keeps all of them. Prints the most bytes of memory that this took, and the number
 * of layers.
 */
const [path = ""] = process.argv.slice(2);
const peak = () => process.resourceUsage().maxRSS * 1024;
const before = peak();
const weights = await openWeights(path);
const { layers } = importNet({ weights });
const blobs = weights.message.layer.map((layer) => layer.blobs.map((bytes) => decodeBlob(bytes)));
const values = blobs.flat().reduce((sum, { data }) => sum + data.length, 0);
console.log(JSON.stringify({ bytes: peak() - before, layers: layers.length, values }));
