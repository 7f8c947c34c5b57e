import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { createCpu } from "@bn/cpu";
import { createRuntime, verifyModel } from "../src/verify/index.ts";

/**
 * Checks real networks, started by hand: node test/networks.ts FILE.onnx... Prints a row per network: its
 * normalizations, how many agree with float64 and ONNX Runtime, and all suspected mistakes. Exits with 1 if one is
 * wrong.
 */
await using cpu = await createCpu();
await using runtime = createRuntime();
for (const path of process.argv.slice(2)) {
  const row = await verifyModel(await readFile(path), [cpu], { runtime }).then(
    ({ rows, diagnostics }) => {
      const operators = [...new Set(rows.map(({ operator }) => operator))];
      const counts = operators
        .map((one) => `${rows.filter(({ operator }) => operator === one).length} ${one}`)
        .join(", ");
      const right = rows.filter(
        ({ onnxRuntime, backends }) => (onnxRuntime?.ratio ?? 2) <= 1 && backends[0]?.status === "passed",
      );
      if (rows.some(({ backends }) => backends[0]?.status === "failed")) process.exitCode = 1;
      const others = rows.filter((one) => !right.includes(one)).map(({ node, reason }) => `  ${node}: ${reason}`);
      const suspected = diagnostics.filter(({ kind }) => !["assumed", "converted"].includes(kind));
      const said = suspected.map(({ kind, message }) => `  ${kind}: ${message}`);
      return [`${counts}; ${right.length} right`, ...others, ...said].join("\n");
    },
    ({ code, message }) => `${code}: ${message}`,
  );
  console.log(`${basename(path)}: ${row}`);
}
