import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Case, type Comparison, type Result, runCases } from "@bn/conformance";
import { loadGoldenCases } from "@bn/conformance/node";
import { createCpu } from "@bn/cpu";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const SHIPPED = fileURLToPath(new URL("../goldens/", import.meta.resolve("@bn/conformance")));

interface Tensor {
  name: string;
  shape: number[];
  dtype: "float32" | "float64";
  file: string;
  offset: number;
  length: number;
}
interface JsonStep {
  op: string;
  inputs: Tensor[];
  layer_outputs: Tensor[];
  blobs_after: Tensor[][];
  top_diff: Tensor;
  bottom_diffs: Tensor[][];
  param_diffs: Tensor[][];
}
interface JsonCase {
  name: string;
  dtype: string;
  layers: { initial_blobs_source: string; initial_blobs: Tensor[] }[];
  steps: JsonStep[];
}

/** Every tensor that Caffe computed. It is read from cases.json here, without the package's reader. */
function outputs({ steps }: JsonCase): Tensor[] {
  return steps.flatMap((step) =>
    step.op === "forward"
      ? [...step.layer_outputs, ...step.blobs_after.flat()]
      : step.op === "backward"
        ? [...step.bottom_diffs.flat(), ...step.param_diffs.flat()]
        : [],
  );
}

function inputs({ layers, steps }: JsonCase): Tensor[] {
  const given = steps.flatMap(({ op, inputs, top_diff }) =>
    op === "forward" ? inputs : op === "backward" ? [top_diff] : [],
  );
  return [...layers.flatMap((layer) => layer.initial_blobs), ...given];
}

function placeOf({ file, offset }: Tensor): string {
  return `${file} ${offset}`;
}

const shippedJson = await readFile(join(SHIPPED, "cases.json"), "utf8");
const json = JSON.parse(shippedJson) as { set: string; cases: JsonCase[] };

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bn-goldens-"));
  await cp(SHIPPED, folder, { recursive: true });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs cases on cpu; `made` gets each case's comparisons. */
async function runOnCpu(cases: readonly Case[], made = new Map<string, readonly Comparison[]>()): Promise<Result[]> {
  const seen = cases.map((one) => ({
    ...one,
    async run(context: Parameters<Case["run"]>[0]) {
      const comparisons = await one.run(context);
      made.set(one.id, comparisons);
      return comparisons;
    },
  }));
  return runCases("cpu", createCpu, seen);
}

describe("the shipped set on cpu", async () => {
  const cases = await loadGoldenCases();
  const made = new Map<string, readonly Comparison[]>();
  const results = await runOnCpu(cases, made);

  test("every case passes, none is skipped", () => {
    expect(results).toHaveLength(2 * 288);
    expect(results.filter(({ status }) => status !== "passed")).toEqual([]);
  });

  test("every tensor of every step is compared, with the oracle and with Caffe", () => {
    for (const one of json.cases) {
      const created = one.layers.filter((layer) => layer.initial_blobs_source === "caffe_default");
      const initial = created.flatMap((layer) => layer.initial_blobs).length;
      const expected = initial + 2 * outputs(one).length;
      expect(made.get(`goldens/${one.name}`), one.name).toHaveLength(expected);
    }
  });

  test("each exception is noted where it bears, and nowhere else", () => {
    const noted = new Map<string, Set<string>>();
    for (const [id, comparisons] of made) {
      for (const { note } of comparisons) if (note) noted.set(note, (noted.get(note) ?? new Set()).add(id));
    }
    const idsOf = (start: string) => {
      const found = [...noted].find(([note]) => note.startsWith(start));
      return [...(found?.[1] ?? [])].sort();
    };
    const both = (name: string) =>
      ["f32", "f64"].flatMap((dtype) => [`goldens/${name}/${dtype}`, `goldens/${name}/${dtype}#data`]);
    const accumulate = ["axis0_na-1_bias", "axis0_na1_bias", "batch1_bias", "batch1_spatial1_bias"];
    const inPlace = ["batch1_bias", "full_bias"];
    expect(idsOf("Caffe overwrites")).toEqual([
      ...accumulate.flatMap((name) => both(`scale_accumulate/${name}`)),
      ...inPlace.flatMap((name) => both(`scale_in_place/${name}`)),
    ]);
    expect(idsOf("fraction 0")).toEqual(both("bn_nonfinite/nan_then_clean_train_frac0"));
    expect(noted.size).toBe(2); // the third, 0 / 0, is for sets with other roundings: see below
  });
});

/** Writes the folder's file with one flipped bit in one element of a tensor, while `body` runs. */
async function withFlip(tensor: Tensor, element: number, bit: number, body: () => Promise<void>): Promise<void> {
  const path = join(folder, tensor.file);
  const original = await readFile(path);
  const flipped = Buffer.from(original);
  const size = tensor.dtype === "float32" ? 4 : 8;
  const at = tensor.offset + element * size + (bit >> 3);
  flipped[at] = (flipped[at] as number) ^ (1 << (bit & 7));
  await writeFile(path, flipped);
  try {
    await body();
  } finally {
    await writeFile(path, original);
  }
}

/** Random numbers from a seed: xorshift32. */
function draws(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

describe("one flipped bit in one output tensor", () => {
  const draw = draws(20_261_124);
  const candidates = json.cases.flatMap((one) => outputs(one).map((tensor) => ({ one, tensor })));
  const flips = Array.from({ length: 24 }, (_, i) => {
    const { one, tensor } = candidates[draw(candidates.length)] as (typeof candidates)[0];
    const bits = tensor.dtype === "float32" ? 32 : 64;
    // Flips the lowest bit, the sign, or any bit in between.
    const bit = i % 3 === 0 ? 0 : i % 3 === 1 ? bits - 1 : draw(bits);
    return { one, tensor, element: draw(tensor.length / (bits / 8)), bit };
  });

  test.each(flips)("$one.name $tensor.name element $element bit $bit", async ({ one, tensor, element, bit }) => {
    await withFlip(tensor, element, bit, async () => {
      const cases = (await loadGoldenCases(folder)).filter(({ id }) => id.startsWith(`goldens/${one.name}`));
      const made = new Map<string, readonly Comparison[]>();
      const results = await runOnCpu(cases, made);
      const failed = results.find(({ id, status }) => status === "failed" && id === `goldens/${one.name}#data`);
      expect(failed?.worst).toBeDefined();
      const wrong = (made.get(`goldens/${one.name}#data`) ?? []).filter(({ ratio }) => ratio > 1);
      const found = wrong.find(({ what }) => what.endsWith("shipped data")) as Comparison;
      expect(found.note).toMatch(/^the bits are [0-9a-f]+, expected [0-9a-f]+$/);
      expect(elementOf(found, tensor.shape, one)).toBe(element);
    });
  });

  test("of every kind of tensor, the highest bit of the exponent, is seen without the shipped set", async () => {
    const kinds = new Map<string, { one: JsonCase; tensor: Tensor }>();
    for (const one of json.cases) {
      // A tensor that shares its bytes with an input is left out: flipping it gives another input and not a wrong
      // output.
      const given = new Set(inputs(one).map(placeOf));
      for (const tensor of outputs(one)) {
        const kind = `${one.name.split("/")[0]} ${tensor.name.replace(/^[fb]\d+\./, "")} ${tensor.dtype}`;
        if (!given.has(placeOf(tensor))) kinds.set(kind, { one, tensor });
      }
    }
    expect(kinds.size).toBeGreaterThan(50);
    try {
      for (const [kind, { one, tensor }] of kinds) {
        await writeFile(join(folder, "cases.json"), JSON.stringify({ ...json, seed: "another", cases: [one] }));
        await withFlip(tensor, 0, tensor.dtype === "float32" ? 30 : 62, async () => {
          const made = new Map<string, readonly Comparison[]>();
          await runOnCpu(await loadGoldenCases(folder), made);
          const wrong = [...made.values()].flat().filter(({ ratio }) => ratio > 1);
          expect(wrong.length, `${kind}: ${one.name} ${tensor.name}`).toBeGreaterThan(0);
        });
      }
    } finally {
      await writeFile(join(folder, "cases.json"), shippedJson);
    }
  }, 60_000);
});

test.each([
  ["bn_shapes/8x16x7x7/f32", "f1.top0"],
  ["bn_moving_average/frac0/f64", "f4.top0"],
  ["bn_test_phase/trained_default/f64", "f2.top0"],
  ["bn_global_backward/2d/f32", "b1.bottom_diff0"],
  ["scale/5d_bias/f64", "b1.bottom_diff0"],
  ["bn_moving_average/frac0.9/f32", "f3.scale_factor"],
])("the lowest bit of %s %s is seen without the shipped set", async (name, tensorName) => {
  const one = json.cases.find((each) => each.name === name) as JsonCase;
  const tensor = outputs(one).find((each) => each.name === tensorName) as Tensor;
  const element = tensor.length / (tensor.dtype === "float32" ? 4 : 8) - 1;
  await writeFile(join(folder, "cases.json"), JSON.stringify({ ...json, seed: "another", cases: [one] }));
  try {
    await withFlip(tensor, element, 0, async () => {
      const made = new Map<string, readonly Comparison[]>();
      await runOnCpu(await loadGoldenCases(folder), made);
      const wrong = (made.get(`goldens/${name}#data`) ?? []).filter(({ ratio }) => ratio > 1);
      expect(wrong.length).toBeGreaterThan(0);
      expect(elementOf(wrong[0] as Comparison, tensor.shape, one)).toBe(element);
    });
  } finally {
    await writeFile(join(folder, "cases.json"), shippedJson);
  }
});

test("0 / 0: numbers that rounding left in a whole channel give way to NaN, with a note", async () => {
  const one = json.cases.find(({ name }) => name === "bn_numeric/eps_0_constant/f32") as JsonCase;
  const top = one.steps[0]?.layer_outputs[0] as Tensor;
  const path = join(folder, top.file);
  const original = await readFile(path);
  const altered = Buffer.from(original);
  for (let at = top.offset; at < top.offset + top.length; at += 4) altered.writeFloatLE(1, at);
  await writeFile(path, altered);
  await writeFile(join(folder, "cases.json"), JSON.stringify({ ...json, seed: "another" }));
  try {
    const made = new Map<string, readonly Comparison[]>();
    const cases = (await loadGoldenCases(folder)).filter(({ id }) => id === `goldens/${one.name}`);
    expect((await runOnCpu(cases, made)).map(({ status }) => status)).toEqual(["passed"]);
    const notes = [...made.values()].flat().map(({ note }) => note);
    expect(notes).toContain("variance and eps are 0, so this is 0 / 0, NaN; Caffe divided what rounding left of them");
  } finally {
    await writeFile(path, original);
    await writeFile(join(folder, "cases.json"), shippedJson);
  }
});

/** The element that a comparison names: [outer][channel][inner] of the layer's view, flattened by the tensor's size. */
function elementOf({ at, what }: Comparison, shape: number[], one: JsonCase): number {
  const count = shape.reduce((a, b) => a * b, 1);
  if (!/top|bottom\[0\]/.test(what)) return at.channel;
  const layer = one.layers[Number(/layer (\d)/.exec(what)?.[1])] as JsonCase["layers"][0] & Record<string, unknown>;
  const [channels, inner] = viewOf(layer, shape, count, one);
  return (at.outer * channels + at.channel) * inner + at.inner;
}

function viewOf(layer: Record<string, unknown>, shape: number[], count: number, one: JsonCase): [number, number] {
  const blobs = layer.initial_blobs as Tensor[];
  const bottom1 = one.steps[0]?.inputs[1];
  const covered = layer.type === "BatchNorm" ? [shape[1] as number] : (bottom1 ?? (blobs[0] as Tensor)).shape;
  const axis = (layer.effective as { axis?: number }).axis ?? 1;
  const start = covered.length === 0 ? 0 : axis < 0 ? axis + shape.length : axis;
  const channels = covered.reduce((a, b) => a * b, 1);
  const outer = shape.slice(0, start).reduce((a, b) => a * b, 1);
  return [channels, count / outer / channels];
}
