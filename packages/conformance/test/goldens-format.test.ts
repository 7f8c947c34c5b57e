import { describe, expect, test } from "vitest";
import { readGoldens } from "../src/goldens/index.ts";
import { loadGoldens } from "../src/goldens/node.ts";
import { BROKEN, CURE } from "./broken-goldens.ts";
import { type CasesJson, casesJson, encoded, readerOf, shippedFiles, withCases } from "./memory-goldens.ts";

const files = await shippedFiles();

test("the shipped set loads, all 288 cases of it", async () => {
  const set = await loadGoldens();
  expect(set.cases).toHaveLength(288);
  expect(new Set(set.cases.map(({ category }) => category)).size).toBe(15);
  expect(set.cases.filter(({ dtype }) => dtype === "float32")).toHaveLength(141);
});

test("files may come from memory that no typed array is aligned with", async () => {
  const shifted = new Map(
    [...files].map(([name, bytes]) => {
      const room = new Uint8Array(bytes.length + 3);
      room.set(bytes, 3);
      return [name, room.subarray(3)] as const;
    }),
  );
  const [a, b] = [await loadGoldens(), await readGoldens(readerOf(shifted))];
  expect(b).toEqual(a);
});

test("a folder that is not there is an error that says which file and what to do", async () => {
  await expect(loadGoldens("no/such/folder")).rejects.toMatchObject({
    code: "ERR_BN_DATA",
    message: expect.stringMatching(/^goldens: cannot read cases\.json \(ENOENT.*\); name a folder in the format of/),
  });
});

describe("cases.json with", () => {
  test.each(BROKEN)("%s", async (_name, alter, message) => {
    const error = await readGoldens(withCases(files, alter)).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: "BnError", code: "ERR_BN_DATA", message });
  });
});

test("text that is no JSON, or no text", async () => {
  for (const bytes of [new TextEncoder().encode('{"format":'), Uint8Array.of(0xff, 0xfe, 0), new Uint8Array(0)]) {
    const broken = readGoldens(readerOf(new Map([...files, ["cases.json", bytes]])));
    await expect(broken).rejects.toMatchObject({
      code: "ERR_BN_DATA",
      message: expect.stringMatching(/^goldens cases\.json: is no JSON \(.*\); restore the folder from its source$/s),
    });
  }
});

test("JSON that is nested beyond what can be shown", async () => {
  const deep = `{"format":${"[".repeat(1e5)}${"]".repeat(1e5)}}`;
  const broken = readGoldens(readerOf(new Map([["cases.json", new TextEncoder().encode(deep)]])));
  await expect(broken).rejects.toMatchObject({
    code: "ERR_BN_DATA",
    message: `goldens cases.json format: is a deeply nested value, expected "caffe-bn-golden/1"${CURE}`,
  });
});

test("a truncated file names the first tensor that it cuts", async () => {
  const whole = files.get("scale.f64.bin") as Uint8Array;
  const cut = readGoldens(readerOf(new Map([...files, ["scale.f64.bin", whole.slice(0, 1000)]])));
  await expect(cut).rejects.toMatchObject({
    code: "ERR_BN_DATA",
    message: expect.stringMatching(
      /^goldens cases\.json, case "scale\/default\/f64" steps\[0\] .*: bytes \d+ to \d+ lie outside scale\.f64\.bin, which has 1000; the file is truncated/,
    ),
  });
});

test("any value in place of any other gives a set or ERR_BN_DATA, never another error", async () => {
  const values = [null, true, -1, 0.5, 1e308, "", "x", [], {}, [[]], { __proto__: null }];
  const both = { cases: [casesOf("bn_scale_composite/train_2d/f32"), casesOf("scale/two_bottom_bias/f64")] };
  const paths = pathsOf(both);
  const names = ["cases.json", "scale.f64.bin", "bn_scale_composite.f32.bin"];
  const few = new Map([...files].filter(([name]) => names.includes(name)));
  few.set("cases.json", encoded({ ...casesJson(files), cases: [] }));
  let [accepted, refused] = [0, 0];
  for (const [i, path] of paths.entries()) {
    const value = values[i % values.length];
    const reader = withCases(few, (json) => {
      json.cases = structuredClone(both.cases);
      const parent = path.slice(0, -1).reduce((at, key) => at[key], json);
      parent[path.at(-1) as string] = value;
    });
    const outcome = await readGoldens(reader).then(
      () => "read",
      (error: { code?: string; message: string }) => error,
    );
    if (outcome === "read") accepted++;
    else {
      refused++;
      expect(outcome, path.join(".")).toMatchObject({ code: "ERR_BN_DATA" });
    }
  }
  expect(refused).toBeGreaterThan(accepted);
});

function casesOf(name: string): CasesJson {
  return casesJson(files).cases.find((one: CasesJson) => one.name === name);
}

/** Every path in a JSON value, with the first two entries of each list. */
function pathsOf(value: unknown, here: string[] = []): string[][] {
  const own = here.length === 0 ? [] : [here];
  if (typeof value !== "object" || value === null) return own;
  const entries = Object.entries(value).slice(0, Array.isArray(value) ? 2 : 99);
  return [...own, ...entries.flatMap(([key, inside]) => pathsOf(inside, [...here, key]))];
}
