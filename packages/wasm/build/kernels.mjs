/**
 * Compiles assembly/ twice, for shared and for unshared memory, and writes both modules as text to
 * src/generated/kernels.ts, so that no runtime, browser or bundler has to find a file. The modules are deflated before
 * they become text, which makes them a third smaller after a server's compression.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import asc from "assemblyscript/asc";

const root = fileURLToPath(new URL("..", import.meta.url));
/** 4 GiB, the most that a memory may have, so that any smaller memory fits the import. */
const PAGES = 65536;
const OPTIONS = [
  "--optimizeLevel",
  "3",
  "--converge",
  "--noAssert",
  "--runtime",
  "stub",
  "--importMemory",
  "--noExportMemory",
];

async function compile(options) {
  const outputs = {};
  const stderr = asc.createMemoryStream();
  const { error } = await asc.main(
    ["assembly/index.ts", "--baseDir", root, "--outFile", "out.wasm", ...OPTIONS, ...options],
    {
      stderr,
      writeFile: (name, contents) => {
        outputs[name] = contents;
      },
    },
  );
  if (error) throw new Error(`${error.message}\n${stderr.toString()}`);
  return outputs["out.wasm"];
}

const text = (bytes) => deflateSync(bytes, { level: 9 }).toString("base64");
const alone = await compile(["--enable", "simd"]);
const shared = await compile(["--enable", "simd,threads", "--sharedMemory", "--maximumMemory", String(PAGES)]);
await mkdir(`${root}src/generated`, { recursive: true });
await writeFile(
  `${root}src/generated/kernels.ts`,
  `// Written by build/kernels.mjs from assembly/.
export const ALONE: string = "${text(alone)}";
export const SHARED: string = "${text(shared)}";
`,
);
