import { cases } from "@bn/conformance";
import { conformance } from "@bn/conformance/vitest";
import { createWebGpu } from "../src/index.ts";

conformance("webgpu", () => createWebGpu(), { cases: cases({ tier: "quick" }) });

// Sizes for which every longer channel is cut into parts and every dispatch has many workgroups.
const dealt = [
  ...cases({ tier: "quick" }).filter(({ id }) =>
    /^exact|^memory|^kernels.*[/](\d+x\d+x\d+|outer-257|inner-257)[/]/.test(id),
  ),
  ...cases().filter(({ id }) => /[/](normal|offset-1e6)[/]32x3x7x7[/]/.test(id)),
];
conformance("webgpu in parts", () => createWebGpu({ tuning: { workgroup: 8, busy: 64, items: 1, copies: true } }), {
  cases: dealt,
});

// The variants for GPUs: forward and backward in one dispatch, reads that do not wait for each other.
conformance("webgpu as on a GPU", () => createWebGpu({ tuning: { workgroup: 32, busy: 8, items: 4, copies: true } }), {
  cases: cases({ tier: "quick" }).filter(({ id }) =>
    /^exact|^memory|^layers|^kernels.*[/](\d+x\d+x\d+|outer-257|inner-257)[/]/.test(id),
  ),
});
