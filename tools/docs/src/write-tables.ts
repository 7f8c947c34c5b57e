import { readFileSync, writeFileSync } from "node:fs";
import { withTables } from "./embed.ts";
import { ROOT } from "./pages.ts";

const path = `${ROOT}docs/batch-norm.md`;
writeFileSync(path, withTables(readFileSync(path, "utf8")));
