import { cases } from "@bn/conformance";
import { conformance } from "@bn/conformance/vitest";
import { createCpu } from "../src/index.ts";

conformance("cpu", () => createCpu(), { cases: cases() });
