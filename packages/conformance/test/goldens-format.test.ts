import { describe, expect, test } from "vitest";
import { readGoldens } from "../src/goldens/index.ts";
import { loadGoldens } from "../src/goldens/node.ts";
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

const first = (json: CasesJson) => json.cases[0];
const firstTop = (json: CasesJson) => first(json).steps[0].layer_outputs[0];
const TOP = 'goldens cases.json, case "bn_shapes/2x3x4x5/f32" steps[0] layer_outputs[0]';
const LAYER = 'goldens cases.json, case "bn_shapes/2x3x4x5/f32" layers[0]';
const CURE = "; restore the folder from its source";
const NAMES = "the name of a file inside the folder";

/** What is done to cases.json, and the message that it earns. */
const BROKEN: [string, (json: CasesJson) => unknown, string][] = [
  ["a list for an object", () => [], `goldens cases.json: is [], expected an object${CURE}`],
  ["null", () => "null", `goldens cases.json: is "null", expected an object${CURE}`],
  [
    "another format",
    (json) => {
      json.format = "caffe-bn-golden/2";
    },
    `goldens cases.json format: is "caffe-bn-golden/2", expected "caffe-bn-golden/1"${CURE}`,
  ],
  [
    "big-endian data",
    (json) => {
      json.byte_order = "big";
    },
    `goldens cases.json byte_order: is "big", expected "little"${CURE}`,
  ],
  ["no cases", (json) => void delete json.cases, `goldens cases.json cases: is missing, expected a list${CURE}`],
  [
    "a case that is a number",
    (json) => {
      json.cases[0] = 7;
    },
    `goldens cases.json cases[0]: is 7, expected an object${CURE}`,
  ],
  [
    "two cases of one name",
    (json) => {
      json.cases[1].name = json.cases[0].name;
    },
    `goldens cases.json cases[1] name: is "bn_shapes/2x3x4x5/f32", expected a name that no other case has${CURE}`,
  ],
  [
    "an unknown dtype of a case",
    (json) => {
      first(json).dtype = "float16";
    },
    `goldens cases.json, case "bn_shapes/2x3x4x5/f32" dtype: is "float16", expected float32 or float64${CURE}`,
  ],
  [
    "a dtype that only Object.prototype has",
    (json) => {
      first(json).dtype = "toString";
    },
    `goldens cases.json, case "bn_shapes/2x3x4x5/f32" dtype: is "toString", expected float32 or float64${CURE}`,
  ],
  [
    "an unknown dtype of a tensor",
    (json) => {
      firstTop(json).dtype = "int8";
    },
    `${TOP} dtype: is "int8", expected float32 or float64${CURE}`,
  ],
  [
    "a dtype that is not the case's",
    (json) => {
      firstTop(json).dtype = "float64";
    },
    `${TOP} dtype: is "float64", expected "float32", the case's${CURE}`,
  ],
  [
    "an unknown op",
    (json) => {
      first(json).steps[0].op = "sideways";
    },
    `goldens cases.json, case "bn_shapes/2x3x4x5/f32" steps[0] op: is "sideways", expected "forward", "backward" or "clear_param_diffs"${CURE}`,
  ],
  [
    "an unknown layer",
    (json) => {
      first(json).layers[0].type = "LRN";
    },
    `${LAYER} type: is "LRN", expected BatchNorm or Scale${CURE}`,
  ],
  [
    "an unknown parameter",
    (json) => {
      first(json).layers[0].param.momentum = 1;
    },
    `${LAYER} param: has the unknown field "momentum", expected use_global_stats, moving_average_fraction, eps${CURE}`,
  ],
  [
    "a parameter of another type",
    (json) => {
      first(json).layers[0].param.eps = "1";
    },
    `${LAYER} param eps: is "1", expected a finite number${CURE}`,
  ],
  [
    "an offset outside the file",
    (json) => {
      firstTop(json).offset = 8e6;
    },
    `${TOP}: bytes 8000000 to 8000480 lie outside bn_shapes.f32.bin, which has 116424; the file is truncated or not of this set: restore it from its source`,
  ],
  [
    "a negative offset",
    (json) => {
      firstTop(json).offset = -8;
    },
    `${TOP} offset: is -8, expected a whole number >= 0${CURE}`,
  ],
  [
    "an offset that overflows",
    (json) => {
      firstTop(json).offset = 1e300;
    },
    `${TOP} offset: is 1e+300, expected a whole number >= 0${CURE}`,
  ],
  [
    "an offset off its alignment",
    (json) => {
      firstTop(json).offset = 12;
    },
    `${TOP} offset: is 12, expected a multiple of 8${CURE}`,
  ],
  [
    "a length that is not the shape's",
    (json) => {
      firstTop(json).length = 476;
    },
    `${TOP} length: is 476, expected 480, 4 bytes an element of its shape${CURE}`,
  ],
  [
    "a shape that overflows",
    (json) => {
      firstTop(json).shape = [65536, 65536];
    },
    `${TOP} shape: is [65536,65536], expected at most 2^31 - 1 elements${CURE}`,
  ],
  [
    "a shape with 33 axes",
    (json) => {
      firstTop(json).shape = new Array(33).fill(1);
    },
    `${TOP} shape: is ${JSON.stringify(new Array(33).fill(1)).slice(0, 57)}..., expected at most 32 axes${CURE}`,
  ],
  [
    "a shape that is not the bottom's",
    (json) => {
      firstTop(json).shape = [2, 3, 20];
    },
    `${TOP} shape: is [2,3,20], expected [2, 3, 4, 5]${CURE}`,
  ],
  [
    "a fraction of an axis",
    (json) => {
      firstTop(json).shape = [2.5];
    },
    `${TOP} shape[0]: is 2.5, expected a whole number >= 0${CURE}`,
  ],
  [
    "a file outside the folder",
    (json) => {
      firstTop(json).file = "../secret";
    },
    `${TOP} file: is "../secret", expected ${NAMES}${CURE}`,
  ],
  [
    "an absolute file",
    (json) => {
      firstTop(json).file = "/etc/passwd";
    },
    `${TOP} file: is "/etc/passwd", expected ${NAMES}${CURE}`,
  ],
  [
    "a file on a drive",
    (json) => {
      firstTop(json).file = "c:x";
    },
    `${TOP} file: is "c:x", expected ${NAMES}${CURE}`,
  ],
  [
    "a file by a back door",
    (json) => {
      firstTop(json).file = "a\\..\\..\\b";
    },
    `${TOP} file: is "a\\\\..\\\\..\\\\b", expected ${NAMES}${CURE}`,
  ],
  [
    "a file that is missing",
    (json) => {
      firstTop(json).file = "gone.bin";
    },
    `${TOP}: cannot read gone.bin (no such file); name a folder in the format of goldens/README.md`,
  ],
  [
    "no layer",
    (json) => {
      first(json).layers = [];
    },
    `goldens cases.json, case "bn_shapes/2x3x4x5/f32" layers: is [], expected at least one layer${CURE}`,
  ],
  [
    "an op that is not its layers'",
    (json) => {
      first(json).op = "Scale";
    },
    `goldens cases.json, case "bn_shapes/2x3x4x5/f32" op: is "Scale", expected "BatchNorm", the types of its layers${CURE}`,
  ],
  [
    "a backward before any forward",
    (json) => void first(json).steps.shift(),
    `goldens cases.json, case "bn_shapes/2x3x4x5/f32" steps[0]: is a backward before any forward${CURE}`,
  ],
  [
    "a top too many",
    (json) => void first(json).steps[0].layer_outputs.push(firstTop(json)),
    `goldens cases.json, case "bn_shapes/2x3x4x5/f32" steps[0] layer_outputs: has 2 entries, expected 1${CURE}`,
  ],
  [
    "a BatchNorm without blobs",
    (json) => {
      first(json).layers[0].initial_blobs = [];
    },
    `${LAYER} initial_blobs: are not the mean, the variance and the factor of a BatchNorm${CURE}`,
  ],
];

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

/** Every place in a JSON value, each list's first two entries. */
function pathsOf(value: unknown, here: string[] = []): string[][] {
  const own = here.length === 0 ? [] : [here];
  if (typeof value !== "object" || value === null) return own;
  const entries = Object.entries(value).slice(0, Array.isArray(value) ? 2 : 99);
  return [...own, ...entries.flatMap(([key, inside]) => pathsOf(inside, [...here, key]))];
}
