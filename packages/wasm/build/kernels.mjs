/**
 * Compiles assembly/ and writes the module as text to src/generated/kernels.ts, so that no runtime, browser or bundler has
 * to find a file. It is deflated before it becomes text, which makes it a third smaller after a server's compression.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import asc from "assemblyscript/asc";

const root = fileURLToPath(new URL("..", import.meta.url));
/** 4 GiB, the most that a memory may have, so that any smaller memory fits the import. */
const PAGES = 65536;
const OPTIONS = [
  ["--baseDir", root, "--outFile", "out.wasm"],
  ["--optimizeLevel", "3", "--converge", "--noAssert", "--runtime", "stub"],
  // The float32 and the float64 version of a function lie side by side, so that deflate finds what they share: 2 % smaller.
  ["--runPasses", "reorder-functions-by-name"],
  ["--enable", "simd,threads"],
  ["--importMemory", "--noExportMemory", "--sharedMemory", "--maximumMemory", String(PAGES)],
].flat();
/** The import of the memory, up to the flags of its limits, which say that it has a maximum and is shared. */
const IMPORT = "\x03env\x06memory\x02";
const HAS_MAXIMUM_AND_IS_SHARED = 3;

async function compile() {
  const outputs = {};
  const stderr = asc.createMemoryStream();
  const { error } = await asc.main(["assembly/index.ts", ...OPTIONS], {
    stderr,
    writeFile: (name, contents) => {
      outputs[name] = contents;
    },
  });
  if (error) throw new Error(`${error.message}\n${stderr.toString()}`);
  return outputs["out.wasm"];
}

const module = Buffer.from(await compile());
const flags = module.indexOf(IMPORT) + IMPORT.length;
if (module[flags] !== HAS_MAXIMUM_AND_IS_SHARED) throw new Error("the module does not import shared memory");
await mkdir(`${root}src/generated`, { recursive: true });
await writeFile(
  `${root}src/generated/kernels.ts`,
  `// Written by build/kernels.mjs from assembly/.
export const MODULE: string = "${deflateSync(module, { level: 9 }).toString("base64")}";
/** The offset of the byte that says whether the module's memory is shared. */
export const SHARED_AT = ${flags};
`,
);
