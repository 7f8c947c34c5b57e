import { describe, it } from "vitest";
import { ALIAS_ROWS } from "./alias.rows.ts";
import { BATCH_NORM_ROWS } from "./batch-norm.rows.ts";
import { BLOB_ROWS } from "./blob.rows.ts";
import { CREATE_ROWS, FILLER_ROWS } from "./create.rows.ts";
import { expectRefused } from "./desk.ts";
import { LIVE_ROWS } from "./live.rows.ts";
import { SCALE_ROWS } from "./scale.rows.ts";
import { STATE_ROWS } from "./state.rows.ts";
import { STRICT_ROWS } from "./strict.rows.ts";

const rows = [
  ...BLOB_ROWS,
  ...CREATE_ROWS,
  ...FILLER_ROWS,
  ...STRICT_ROWS,
  ...BATCH_NORM_ROWS,
  ...SCALE_ROWS,
  ...ALIAS_ROWS,
  ...LIVE_ROWS,
  ...STATE_ROWS,
];

describe("every wrong call is refused by a typed error that says what to do, and changes nothing (L-1)", () => {
  it.each(rows.map((row) => [row.name, row.clause, row] as const))("%s (%s)", (_name, _clause, row) =>
    expectRefused(row),
  );
});
