import type { Backend, Dtype, Geometry } from "@bn/core";
import type { Case, Comparison } from "../../case.ts";
import { precisionOf } from "../../truth/bounds.ts";
import { DTYPES } from "../data.ts";
import { geometryText } from "../kernels/geometries.ts";
import { Bench } from "./bench.ts";
import type { CoveredKernel } from "./calls.ts";
import { CHANNEL_KERNELS, LENGTH_KERNELS } from "./channel-kernels.ts";
import { CallData } from "./data.ts";
import { FUSED_KERNELS } from "./fused-kernels.ts";
import { KINDS } from "./kinds.ts";
import { LAYERS } from "./layers.ts";
import { MAP_KERNELS } from "./map-kernels.ts";
import { REDUCTION_KERNELS } from "./reduction-kernels.ts";
import { type Group, type Row, rowsFor } from "./rows.ts";
import { EXTENTS, type Extent, sizeOf, type Tier } from "./sizes.ts";

const KERNELS: readonly CoveredKernel[] = [
  ...REDUCTION_KERNELS,
  ...MAP_KERNELS,
  ...CHANNEL_KERNELS,
  ...LENGTH_KERNELS,
  ...FUSED_KERNELS,
];

/**
 * K-1 to K-10 and every layer over a covering array: each pair of sizes, kinds of data, options and other choices
 * occurs once.
 */
export function sweepCases(tier: Tier, seed: string): Case[] {
  const extent = EXTENTS[tier];
  const upTo = (size: number) => Math.min(size, extent.layerCap);
  const layers = { ...extent, cap: extent.layerCap, dense: upTo(extent.dense), pairs: upTo(extent.pairs), single: 0 };
  return [
    ...KERNELS.flatMap((kernel) => casesOf("kernels", kernel, extent, seed)),
    ...LAYERS.flatMap((layer) => casesOf("layers", layer, layers, seed)),
  ];
}

function casesOf(group: string, kernel: CoveredKernel, extent: Extent, seed: string): Case[] {
  const groups = rowsFor(kernel, extent, seed);
  return DTYPES.flatMap((dtype) => groups.map((rows) => caseOf(group, { kernel, ...rows }, dtype)));
}

/** One case: rows of a kernel in one dtype. */
export function caseOf(
  group: string,
  { kernel, name, rows }: Group & { readonly kernel: CoveredKernel },
  dtype: Dtype,
): Case {
  return {
    id: `${group}/${kernel.name}/${name}/${dtype}`,
    group,
    clause: kernel.clause,
    needs: { dtype, ...kernel.needs },
    async run({ backend, bail }) {
      const done: Comparison[] = [];
      for (const row of rows) {
        const some = await runRow(kernel, row, backend, dtype);
        done.push(...some);
        if (bail && some.some(({ ratio }) => !(ratio <= 1))) break;
      }
      return done;
    },
  };
}

/** Runs one call, and the call that follows it. An error names the row. */
async function runRow(kernel: CoveredKernel, row: Row, backend: Backend, dtype: Dtype): Promise<Comparison[]> {
  const bench = new Bench(backend, dtype, row.surroundings);
  const p = precisionOf(dtype, backend.supports);
  const call = async (g: Geometry, start: number, what: string) => {
    backend.reserve?.(dtype, g);
    const text = textOf(row, g, start, what);
    const without = row.normal ? ODD_KINDS : kernel.without?.(dtype, row.eps);
    const data = new CallData(`${kernel.name} ${text}`, g, start, dtype, backend.supports, without, bench.host);
    try {
      const done = await kernel.run({ ...row, bench, p, g, data });
      await bench.assertInputsKept();
      return done.map((one) => ({ ...one, what: `${one.what} of ${text}` }));
    } catch (error) {
      throw new Error(`${text}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  };
  try {
    const first = await call(row.g, row.start, "");
    if (row.next === "once" || sizeOf(row.g) > REPEATED) return first;
    const next = (row.start + 11) % KINDS.length;
    const second = row.next === "again" ? row.g : smaller(row.g, kernel.fixedChannels === true);
    return [...first, ...(await call(second, next, `, after ${geometryText(row.g)} in the same buffers`))];
  } finally {
    bench.dispose();
  }
}

const ODD_KINDS = KINDS.slice(1).map(({ name }) => name);

/** Larger tensors are called once, because the effects that a call leaves behind do not depend on size. */
const REPEATED = 2 ** 12;

function smaller({ outer, channels, inner }: Geometry, fixedChannels: boolean): Geometry {
  const less = (n: number) => Math.max(1, n - 1);
  return { outer: less(outer), channels: fixedChannels ? channels : less(channels), inner: less(inner) };
}

function textOf(
  { option, inPlace, surroundings, eps, m, normal }: Row,
  g: Geometry,
  start: number,
  what: string,
): string {
  const divisor = m === g.outer * g.inner ? "" : ` m=${m}`;
  const parts = [
    geometryText(g),
    normal ? "normal" : (KINDS[start]?.name ?? ""),
    option,
    inPlace ? "in place" : "",
    surroundings,
    `eps=${eps}${divisor}`,
  ];
  return parts.filter((part) => part !== "").join(" ") + what;
}
