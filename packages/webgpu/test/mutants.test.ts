import type { Geometry } from "@bn/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWebGpu, type WebGpuBackend } from "../src/index.ts";
import { rangeFaults } from "./range-kit.ts";
import { thresholdFaults } from "./threshold-kit.ts";

/** One planted bug: `find` is replaced by `put` in the WGSL of every shader that contains it. */
interface Mutant {
  readonly bug: string;
  readonly find: string;
  readonly put: string;
  readonly faults: (gpu: WebGpuBackend) => Promise<string[]>;
}

const SHORT: Geometry = { outer: 5, channels: 3, inner: 49 };
const CUT: Geometry = { outer: 2, channels: 2, inner: 5000 };
const QUADS: Geometry = { outer: 37, channels: 40, inner: 1 };
const range = (g: Geometry, kind: string) => (gpu: WebGpuBackend) => rangeFaults(gpu, g, kind);

/** 10,000 products of 1e-40, each less than the smallest normal number, are 1e-36. */
async function smallProducts(gpu: WebGpuBackend): Promise<string[]> {
  const length = 10_000;
  const alloc = (count: number, value: number) => {
    const buffer = gpu.alloc("float32", count);
    gpu.kernels.fill(count, value, buffer);
    return buffer;
  };
  const [x, dy] = [alloc(length, 1e-10), alloc(length, 1e-30)];
  const stats = { mean: alloc(1, 0), variance: alloc(1, 1) };
  const sums = { dy: alloc(1, 0), dyXhat: alloc(1, 0) };
  gpu.kernels.gradSums(dy, x, { outer: 1, channels: 1, inner: length }, stats, 0, sums, null);
  const [found] = await gpu.read(sums.dyXhat, 1);
  return Math.abs((found as number) / 1e-36 - 1) < 1e-5 ? [] : [`sum dy x^ is ${found}, truth 1e-36`];
}

const MUTANTS: readonly Mutant[] = [
  {
    bug: "moments that overflow stay",
    find: "let overflowed = ",
    put: "let overflowed = Choice(false) & ",
    faults: range(SHORT, "x of std 1e19 about 1e20"),
  },
  {
    bug: "moments of cut channels that overflow stay",
    find: "let overflowed = ",
    put: "let overflowed = Choice(false) & ",
    faults: range(CUT, "x of std 1e19 about 1e20"),
  },
  {
    bug: "the second look at moments is about the first value, not about the mean",
    find: "about += divide(sums[0], p.m);",
    put: "",
    faults: range(SHORT, "x of std 1e19 about 1e20"),
  },
  {
    bug: "one channel of four that overflows stays",
    find: "any(wanted) && here.channel < p.channels",
    put: "all(wanted) && here.channel < p.channels",
    faults: range(QUADS, "x of std 1e19 in one channel of four"),
  },
  {
    bug: "sums that overflow stay",
    find: "any(max(a, b) >= Bits(ALARMING))",
    put: "false",
    faults: range(CUT, "dy at both ends"),
  },
  {
    bug: "terms taken again without a scale",
    find: "t.exponents.a - top.a",
    put: "t.exponents.a",
    faults: range(SHORT, "dy at both ends"),
  },
  {
    bug: "maps keep what is not finite",
    find: "return !isHeld(note);",
    put: "return false;",
    faults: range(SHORT, "x - mean beyond range"),
  },
  {
    bug: "maps in place leave what is not finite",
    find: "return note != NOTHING;",
    put: "return false;",
    faults: range(SHORT, "x - mean beyond range"),
  },
  {
    bug: "maps in place compute again what they have stored",
    find: "if (at < note) {",
    put: "if (false) {",
    faults: range(QUADS, "beta that brings the top back"),
  },
  {
    bug: "differences overflow in wide arithmetic",
    find: "let isLarge = (abs(a) > 0x1p126) | (abs(b) > 0x1p126);",
    put: "let isLarge = a != a;",
    faults: range(SHORT, "x - mean beyond range"),
  },
  {
    bug: "a slope that has vanished is used",
    find: "(abs(tiny) < Coef(0x1p-120))",
    put: "(abs(tiny) < Coef(-1.0))",
    faults: range(SHORT, "gamma 1e-38 on given statistics"),
  },
  {
    bug: "variance + eps overflows",
    find: "let large = (v > 0x1p126) | (eps > 0x1p126);",
    put: "let large = v != v;",
    faults: range(SHORT, "an eps near the end of the range"),
  },
  {
    bug: "products of small gradients vanish",
    find: "const BIAS = 0x1p52;",
    put: "const BIAS = 1.0;",
    faults: smallProducts,
  },
  {
    bug: "whether s is far is decided again by the last pass",
    find: "let far = verdict[1] != Coef(0.0);",
    put: "let far = isFar(joined(shareOfParts(0u, here.channel, here.lane), local, here.lane));",
    faults: (gpu) => thresholdFaults(gpu),
  },
];

/** The sizes for SwiftShader, with which every bug has data that shows it: GPUs take quads of channels only in longer ones. */
const TUNING = { workgroup: 8, busy: 4, items: 128 };

let owner: WebGpuBackend;
let device: GPUDevice;
let create: GPUDevice["createShaderModule"];
beforeAll(async () => {
  owner = await createWebGpu();
  device = owner.device;
  create = device.createShaderModule.bind(device);
});
afterAll(() => owner?.dispose());

/** What `faults` finds if `find` is replaced by `put` in the WGSL of every shader. */
async function faultsWith({ find, put, faults }: Pick<Mutant, "find" | "put" | "faults">): Promise<string[]> {
  let planted = 0;
  device.createShaderModule = (descriptor) => {
    const code = descriptor.code.replaceAll(find, put);
    if (code !== descriptor.code) planted++;
    return create({ ...descriptor, code });
  };
  const mutant = await createWebGpu({ device, tuning: TUNING });
  const found = await faults(mutant);
  await mutant.dispose();
  device.createShaderModule = create;
  expect(planted).toBeGreaterThan(0);
  return found;
}

describe("planted bugs in WGSL are found", () => {
  it.each(MUTANTS)("$bug", async (mutant) => {
    expect((await faultsWith(mutant)).length).toBeGreaterThan(0);
    const sound = await createWebGpu({ device, tuning: TUNING });
    expect(await mutant.faults(sound)).toEqual([]);
    await sound.dispose();
  });
});

it.each([
  [SHORT, "x at both ends"],
  [QUADS, "x beyond any variance"],
] as const)("a compiler that joins 2^127 with BIAS to an infinity does no harm: %o, %s", async (g, kind) => {
  // the infinity is made at run time, because a constant one is an error of WGSL
  const put = "v * bitcast<f32>(0x7f800000u | (p.m & 0u))";
  expect(await faultsWith({ find: "v * 0x1p127", put, faults: range(g, kind) })).toEqual([]);
});
