import { splitMomentBounds } from "../../truth/bounds.ts";
import * as oracle from "../../truth/oracle.ts";
import { check, perChannel, truth } from "../../truth/truth.ts";
import { FAR, sample } from "../data.ts";
import type { CoveredKernel } from "../sweep/calls.ts";

/** The mean in two parts, each compared with both parts of the truth, and m2. */
export const splitMoments: CoveredKernel = {
  name: "splitMoments",
  clause: "K-12",
  needs: { splitMoments: true },
  options: [""],
  async run({ bench, p, g }) {
    const x = sample(`splitMoments|${g.outer}x${g.channels}x${g.inner}`, FAR, g, p.dtype);
    const output = (name: string) => bench.output(name, g.channels);
    const out = { mean: output("mean"), meanLow: output("meanLow"), m2: output("m2") };
    bench.backend.kernels.splitMoments?.(bench.input("x", x), g, out);
    const stats = oracle.moments(x, g);
    const bounds = splitMomentBounds(p, x, g, stats);
    const row = perChannel(g.channels);
    const [mean, low] = [await bench.result("mean"), await bench.result("meanLow")];
    const off = stats.mean.map(({ hi, lo }, c) => (mean[c] as number) - hi + ((low[c] as number) - lo));
    const m2 = oracle.valuesOf(stats.variance).map((v) => v * g.outer * g.inner);
    return [
      check("mean + meanLow - truth", off, { expected: new Float64Array(g.channels), bound: bounds.mean }, row),
      check("m2", await bench.result("m2"), truth(p, m2, bounds.m2), row),
    ];
  },
};
