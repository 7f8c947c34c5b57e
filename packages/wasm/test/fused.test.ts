import type { Backend, Dtype, Geometry } from "@bn/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createWasm, type WasmBuffer } from "../src/index.ts";
import { arrayOf, operandsOf, randomOf } from "./kit.ts";

const EPS = 1e-5;

/**
 * The cases that planBlocks of assembly/plan/planes.ts distinguishes. Fused or not, the sums and their order are the same,
 * and so are the bits.
 */
const GEOMETRIES: Readonly<Record<string, Geometry>> = {
  "less than a cache": { outer: 8, channels: 7, inner: 401 },
  "blocks of one channel": { outer: 12, channels: 16, inner: 3136 },
  "blocks of several, the last of fewer, odd rows": { outer: 3, channels: 137, inner: 1501 },
  "more channels than a table holds": { outer: 3, channels: 4101, inner: 50 },
  "runs that are too short": { outer: 96, channels: 64, inner: 99 },
  "more than a core's own cache": { outer: 64, channels: 8, inner: 4096 },
  "from memory, in long runs": { outer: 2, channels: 131, inner: 17_001 },
  "from memory, in runs that are too short": { outer: 40, channels: 64, inner: 1701 },
  "channels in parts": { outer: 2, channels: 3, inner: 300_001 },
  "channels in parts of outer rows": { outer: 17, channels: 130, inner: 961 },
  "sums of planes, maps of columns in two tiles": { outer: 8, channels: 601, inner: 7 },
  "the same with more channels than a table holds": { outer: 3, channels: 4099, inner: 4 },
};

describe("fused kernels have the bits of the single ones", () => {
  let wasm: Backend<WasmBuffer>;
  beforeAll(async () => {
    wasm = await createWasm({ threads: 2 });
  });
  afterAll(() => wasm.dispose());

  for (const dtype of ["float32", "float64"] as const satisfies Dtype[]) {
    for (const [what, g] of Object.entries(GEOMETRIES)) {
      test(`${what}, ${dtype}`, () => {
        const { kernels: k } = wasm;
        const random = randomOf(11);
        const values = arrayOf(dtype, g.outer * g.channels * g.inner, () => random() * 4 - 1);
        const [one, all] = [operandsOf(wasm, dtype, g), operandsOf(wasm, dtype, g)];
        const expectSame = (kernel: string) => {
          all.buffers.forEach((buffer, i) => {
            const same = Buffer.compare(bytesOf(buffer), bytesOf(one.buffers[i] as WasmBuffer)) === 0;
            expect(same, `${kernel}, operand ${i}`).toBe(true);
          });
        };
        for (const inPlace of [false, true]) {
          const target = (o: typeof one, into: "x" | "dy") => (inPlace ? o[into] : o.y);
          for (const o of [one, all]) o.fill(values);
          k.moments(one.x, g, one.stats);
          k.normalize(one.x, g, one.stats, EPS, one.affine, target(one, "x"));
          k.forward?.(all.x, g, all.stats, null, EPS, all.affine, target(all, "x"));
          expectSame("forward");

          for (const o of [one, all]) o.fill(values);
          k.gradSums(one.dy, one.x, g, one.stats, EPS, one.sums, one.grad);
          k.gradNormalize(one.dy, one.x, g, one.stats, EPS, one.affine, one.sums, g.outer * g.inner, target(one, "dy"));
          k.backward?.(
            all.dy,
            all.x,
            g,
            all.stats,
            EPS,
            all.affine,
            all.sums,
            all.grad,
            g.outer * g.inner,
            target(all, "dy"),
          );
          expectSame("backward");
        }
        for (const buffer of [...one.buffers, ...all.buffers]) buffer.dispose();
      });
    }
  }
});

function bytesOf({ view }: WasmBuffer): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
