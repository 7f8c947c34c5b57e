import type { Case } from "../../case.ts";
import { BATCH_NORM_ROWS } from "./batch-norm.ts";
import { BLOB_ROWS } from "./blob.ts";
import { CREATE_ROWS, FILLER_ROWS } from "./create.ts";
import { errorCase } from "./desk.ts";
import { SCALE_ROWS } from "./scale.ts";

/** L-1 and every error that core throws: its code, its whole message, and that nothing changed. */
export function errorCases(): Case[] {
  return [...BLOB_ROWS, ...CREATE_ROWS, ...FILLER_ROWS, ...BATCH_NORM_ROWS, ...SCALE_ROWS].map(errorCase);
}
