import { convertNet, readNet } from "@bn/caffe";
import { runModel } from "@bn/onnx/verify";
import { expect, test } from "vitest";
import { ACCURACY, ETA, U } from "./reference/bounded.ts";

const COUNT = 2 ** 16;

/** The results of ONNX Runtime for COUNT values spread over [from, to]. */
async function run(layer: string, from: number, to: number): Promise<{ x: Float32Array; y: Float32Array }> {
  const net = readNet(`
    layer { name: "x" type: "Input" top: "x" input_param { shape { dim: ${COUNT} } } }
    layer { name: "y" bottom: "x" top: "y" ${layer} }`);
  const x = Float32Array.from({ length: COUNT }, (_, i) => from + ((to - from) * i) / (COUNT - 1));
  const { bytes } = convertNet({ net, weights: net });
  const got = await runModel(bytes, { x: { type: "float32", shape: [COUNT], data: x } });
  return { x, y: got.get("y")?.data as Float32Array };
}

/** The largest error as a multiple of u, either relative to the result or absolute. */
function worst({ x, y }: { x: Float32Array; y: Float32Array }, f: (v: number) => number, absolute = false): number {
  let found = 0;
  for (const [i, v] of x.entries()) {
    const want = f(v);
    found = Math.max(found, (Math.abs((y[i] as number) - want) - ETA) / (U * (absolute ? 1 : Math.abs(want))));
  }
  return found;
}

test("ONNX Runtime's elementary functions are as near as the bounds of layers assume", async () => {
  const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
  const found = {
    exp: worst(await run('type: "Exp"', -80, 80), Math.exp),
    log: worst(await run('type: "Log"', 2 ** -20, 1000), Math.log),
    pow: worst(await run('type: "Power" power_param { power: -0.75 }', 0.5, 500), (v) => v ** -0.75),
    sigmoid: worst(await run('type: "Sigmoid"', -30, 30), sigmoid, true),
    tanh: worst(await run('type: "TanH"', -12, 12), Math.tanh, true),
  };
  for (const [name, error] of Object.entries(found)) {
    const allowed = ACCURACY[name as keyof typeof found] / U;
    expect(error, name).toBeLessThanOrEqual(allowed);
    expect(error, `${name} is measured`).toBeGreaterThan(0);
  }
});
