import { random } from "@bn/conformance";
import { type Backend, createBlob, createStatistics, type Dtype, loadStatistics } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { createWasm } from "@bn/wasm";
import { afterAll, describe, expect, it } from "vitest";

const CHANNELS = 3;
/** Batches of very different sizes, including one row and none. Each row has 2 x 3 values per channel, or 1. */
const ROWS = [1, 0, 2500, 2, 1, 0, 97, 3, 1] as const;

const backends: readonly Backend[] = [await createCpu(), await createWasm({ threads: 1 }), await createWasm()];
afterAll(() => Promise.all(backends.map((backend) => backend.dispose())));

/** Exact values, which are whole multiples of 1 / unit. */
interface Exact {
  readonly unit: number;
  readonly values: readonly bigint[][];
}

/** Numbers with mean / std = 10^6 that the dtype represents exactly, per batch and channel. */
function dataOf(dtype: Dtype, inner: number): { batches: Float64Array[][]; exact: Exact } {
  const unit = dtype === "float32" ? 16 : 2 ** 20; // near 10^6, float32 has a spacing of 1/16
  const { normal } = random(`statistics|${dtype}|${inner}`);
  const batches = ROWS.map((rows) =>
    Array.from({ length: CHANNELS }, (_, c) =>
      Float64Array.from(
        { length: rows * inner },
        () => Math.round((1e6 * (c === 1 ? -1 : 1) + normal()) * unit) / unit,
      ),
    ),
  );
  const values = Array.from({ length: CHANNELS }, (_, c) =>
    batches.flatMap((batch) => Array.from(batch[c]!, (value) => BigInt(value * unit))),
  );
  return { batches, exact: { unit, values } };
}

/** The mean minus `near`, and the variance, rounded to float64 from exact fractions. */
function truthOf({ unit, values }: Exact, c: number, near: number): { off: number; variance: number } {
  const list = values[c]!;
  const n = BigInt(list.length);
  const scaled = BigInt(Math.round(near * unit));
  const sum = list.reduce((total, x) => total + (x - scaled), 0n);
  const squares = list.reduce((total, x) => total + (x - scaled) ** 2n, 0n);
  const fraction = (a: bigint, b: bigint) => Number((a << 60n) / b) / 2 ** 60;
  return { off: fraction(sum, n) / unit, variance: fraction(n * squares - sum * sum, n * n) / unit ** 2 };
}

/** A batch as NCHW or channels-last. */
function tensorOf(batch: readonly Float64Array[], rows: number, inner: number, last: boolean): number[] {
  const tensor: number[] = [];
  for (let row = 0; row < rows; row++) {
    const at = (c: number, k: number) => batch[c]![row * inner + k]!;
    if (last) for (let k = 0; k < inner; k++) for (let c = 0; c < CHANNELS; c++) tensor.push(at(c, k));
    else for (let c = 0; c < CHANNELS; c++) for (let k = 0; k < inner; k++) tensor.push(at(c, k));
  }
  return tensor;
}

const rows = backends.flatMap((backend) =>
  backend.supports.dtypes.flatMap((dtype) =>
    [6, 1].flatMap((inner) => [false, true].map((last) => ({ backend, dtype, inner, last }))),
  ),
);

describe("statistics.add over a backend's splitMoments (M-1, N-9)", () => {
  it.each(
    rows.map(
      (row) =>
        [
          `${row.backend.name}, ${row.backend.supports.threads} threads, ${row.dtype}, ${row.inner} values per row, ${row.last ? "channels-last" : "NCHW"}`,
          row,
        ] as const,
    ),
  )("%s", async (_, { backend, dtype, inner, last }) => {
    const { batches, exact } = dataOf(dtype, inner);
    const statistics = createStatistics(CHANNELS);
    const parts = [createStatistics(CHANNELS), createStatistics(CHANNELS, { first: 3 })] as const;
    for (const [i, batch] of batches.entries()) {
      const shape = last ? [ROWS[i]!, inner, CHANNELS] : [ROWS[i]!, CHANNELS, inner];
      const blob = createBlob(backend, shape, dtype);
      blob.write(tensorOf(batch, ROWS[i]!, inner, last));
      await statistics.add(blob, { axis: last ? -1 : 1 });
      await parts[i < 3 ? 0 : 1].add(blob, { axis: last ? -1 : 1 });
      blob.dispose();
    }
    const n = inner * ROWS.reduce<number>((sum, one) => sum + one, 0);
    expect(statistics.count).toBe(n);

    const u = dtype === "float32" ? 2 ** -24 : 2 ** -53;
    const v = 2 ** -53;
    const s = (40 + Math.log2(n)) * u;
    const levels = 3 * Math.log2(ROWS.length) + 1;
    const [mean, variance] = [statistics.mean(), statistics.variance()];
    for (let c = 0; c < CHANNELS; c++) {
      const near = Math.round(mean[c]!);
      const truth = truthOf(exact, c, near);
      const center = near + truth.off;
      const reach = Math.max(...exact.values[c]!.map((x) => Math.abs(Number(x) / exact.unit - center)));
      // N-9 for a batch around its own mean, from which a value is at most 2 reach away; then M-1.
      const e = 2 * u ** 2 * (Math.abs(center) + reach) + (2 * s + 3 * u) * 2 * reach;
      const d = e + 10 * v * levels * reach;
      expect(Math.abs(mean[c]! - near - truth.off)).toBeLessThanOrEqual(d + 2 * v * Math.abs(center));
      const root = Math.sqrt(truth.variance);
      const bound = (s + 4 * u + 8 * v * levels) * (root + 2 * d) ** 2 + 4 * d * (root + d);
      expect(Math.abs(variance[c]! - truth.variance)).toBeLessThanOrEqual(bound);
      // Without its low part, a float32 mean would be off by up to u |mean|, which is far outside of the bound.
      if (dtype === "float32") expect(u * Math.abs(center)).toBeGreaterThan(10 * d);
    }

    parts[0].merge(loadStatistics(parts[1].state()));
    expect(parts[0].state()).toEqual(statistics.state());
  });

  it("says which backend has no splitMoments, and has added nothing", async () => {
    const [cpu] = backends as readonly [Backend];
    const { splitMoments: _, ...kernels } = cpu.kernels;
    const statistics = createStatistics(1);
    const blob = createBlob(
      { ...cpu, kernels, owns: (one): one is never => cpu.owns(one), alloc: cpu.alloc } as Backend,
      [2, 1],
    );
    await expect(statistics.add(blob)).rejects.toMatchObject({ code: "ERR_BN_BACKEND" });
    expect([statistics.batches, statistics.count]).toEqual([0, 0]);
  });

  it("another number of channels, and an add that is not done, are refused before anything is added", async () => {
    const [cpu] = backends as readonly [Backend];
    const statistics = createStatistics(2);
    const [right, wrong] = [createBlob(cpu, [2, 2]), createBlob(cpu, [2, 3])];
    await expect(statistics.add(wrong)).rejects.toMatchObject({ code: "ERR_BN_SHAPE" });
    const first = statistics.add(right);
    await expect(statistics.add(right)).rejects.toMatchObject({ code: "ERR_BN_STATE" });
    await first;
    expect(statistics.batches).toBe(1);
  });
});
