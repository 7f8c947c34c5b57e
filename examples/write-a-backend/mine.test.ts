import { conformance } from "@bn/conformance/vitest";
import createMine from "./mine.ts";

conformance("mine", createMine);
