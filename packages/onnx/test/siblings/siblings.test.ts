import { createCpu } from "@bn/cpu";
import { afterAll, expect, test } from "vitest";
import { createRuntime, type VerifyReport, verifyModel } from "../../src/verify/index.ts";
import { COMPARED } from "./kinds.ts";
import { NOT_COMPARED } from "./not-compared.ts";
import { REFUSED } from "./odd.ts";
import { OLD_FORMS } from "./old-forms.ts";

// One runtime for all tests: small models of every kind, most of them valid.
const runtime = createRuntime();
afterAll(() => runtime[Symbol.asyncDispose]());

async function verify(bytes: Uint8Array): Promise<VerifyReport> {
  await using cpu = await createCpu();
  return await verifyModel(bytes, [cpu], { runtime });
}

test.each(Object.entries({ ...OLD_FORMS, ...COMPARED }))(
  "%s: every node agrees with float64 and ONNX Runtime",
  async (_, bytes) => {
    const { rows } = await verify(bytes);
    expect(rows.length).toBeGreaterThan(0);
    for (const { node, reason, onnxRuntime, backends } of rows) {
      expect([node, reason, backends[0]?.status, backends[0]?.reason]).toEqual([node, "", "passed", ""]);
      expect(onnxRuntime?.ratio, node).toBeLessThanOrEqual(1);
    }
  },
);

test.each(Object.entries({ ...NOT_COMPARED, ...REFUSED }))(
  "%s: what is not compared is said",
  async (_, [bytes, expected, what]) => {
    const found = await verify(bytes).then(
      ({ rows }) => ({
        statuses: rows.map(({ backends }) => backends[0]?.status).join(" "),
        text: rows.map(({ reason }) => reason).join("\n"),
      }),
      ({ code, message }) => ({ statuses: code, text: message }),
    );
    expect(found).toEqual({ statuses: expected, text: expect.stringMatching(what) });
  },
);
