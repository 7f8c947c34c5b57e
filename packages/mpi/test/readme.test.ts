import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { mpirun, whyNoMpirun } from "./mpirun.ts";

const missing = whyNoMpirun();

it.skipIf(missing !== null)(
  `README's program prints what it says${missing ? ` (skipped: ${missing})` : ""}`,
  async () => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const program = readme.split("```js file=sum.mjs\n")[1]?.split("```")[0] ?? "";
    const file = new URL("./readme-sum.mjs", import.meta.url);
    writeFileSync(file, program);
    try {
      const { status, stdout, stderr } = await mpirun(4, "readme-sum.mjs");
      expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: "10\n" });
    } finally {
      rmSync(file);
    }
  },
);
