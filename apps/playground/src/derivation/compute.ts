import { type Backend, createBatchNormScale, createBlob, type DeviceBuffer, type Geometry } from "@bn/core";

/** The values that a user can set. */
export interface Settings {
  readonly eps: number;
  readonly gamma: number;
  readonly beta: number;
  /** Null for the batch's own statistics. */
  readonly stored: { readonly mean: number; readonly variance: number } | null;
}

/**
 * Everything that the page shows for one batch: what it was computed from, the results of the fused layer, and those of
 * the kernels that it consists of.
 */
export interface Outcome {
  readonly x: readonly number[];
  readonly dy: readonly number[];
  readonly settings: Settings;
  readonly mean: number;
  readonly variance: number;
  /** 1 / sqrt(variance + eps). */
  readonly r: number;
  readonly xhat: readonly number[];
  readonly y: readonly number[];
  readonly sumDy: number;
  readonly sumDyXhat: number;
  /** The three terms whose sum is dx. */
  readonly direct: readonly number[];
  readonly throughMean: readonly number[];
  readonly throughVariance: readonly number[];
  readonly dx: readonly number[];
  readonly dGamma: number;
  readonly dBeta: number;
}

/**
 * Computes one channel of a batch on `backend`. Forward, dx and the gradients of gamma and beta come from the layer.
 * The terms of dx come from the kernel `gradNormalize`: without sums, with the sum of dy alone, and with the sum of dy
 * x^ alone.
 */
export async function compute(
  backend: Backend,
  x: readonly number[],
  dy: readonly number[],
  settings: Settings,
): Promise<Outcome> {
  const layers = await throughLayer(backend, x, dy, settings);
  const kernels = await throughKernels(backend, x, dy, settings);
  return { x, dy, settings, ...kernels, ...layers };
}

async function throughLayer(
  backend: Backend,
  x: readonly number[],
  dy: readonly number[],
  { eps, gamma, beta, stored }: Settings,
): Promise<Pick<Outcome, "y" | "dx" | "dGamma" | "dBeta">> {
  const bottom = createBlob(backend, [x.length, 1], "float64");
  const top = createBlob(backend, [0], "float64");
  const layer = createBatchNormScale({ eps, useGlobalStats: stored !== null, biasTerm: true });
  bottom.write(x);
  layer.setUp([bottom], [top]);
  if (stored) for (const [i, value] of [stored.mean, stored.variance, 1].entries()) layer.blobs[i]?.write([value]);
  layer.gamma?.write([gamma]);
  layer.beta?.write([beta]);
  layer.forward([bottom], [top]);
  const y = [...(await top.read())];
  top.writeDiff(dy);
  layer.backward([top], [true], [bottom]);
  const dx = [...(await bottom.readDiff())];
  const [dGamma = 0] = (await layer.gamma?.readDiff()) ?? [];
  const [dBeta = 0] = (await layer.beta?.readDiff()) ?? [];
  for (const one of [layer, top, bottom]) one.dispose();
  return { y, dx, dGamma, dBeta };
}

async function throughKernels(
  backend: Backend,
  x: readonly number[],
  dy: readonly number[],
  { eps, gamma: scale, stored }: Settings,
): Promise<Omit<Outcome, "x" | "dy" | "settings" | "y" | "dx" | "dGamma" | "dBeta">> {
  const { kernels } = backend;
  const g: Geometry = { outer: x.length, channels: 1, inner: 1 };
  const m = x.length;
  backend.reserve?.("float64", g);
  const made: DeviceBuffer[] = [];
  const buffer = (values: readonly number[]) => {
    const one = backend.alloc("float64", values.length);
    backend.write(one, Float64Array.from(values));
    made.push(one);
    return one;
  };
  const numbers = (values: number) => buffer(new Array<number>(values).fill(0));
  const [bx, bdy, ones, xhat, out] = [buffer(x), buffer(dy), buffer(x.map(() => 1)), numbers(m), numbers(m)];
  const stats = { mean: buffer([stored?.mean ?? 0]), variance: buffer([stored?.variance ?? 0]) };
  const affine = { gamma: buffer([scale]), beta: null };
  const [sums, zero] = [{ dy: numbers(1), dyXhat: numbers(1) }, numbers(1)];
  if (!stored) kernels.moments(bx, g, stats);
  kernels.normalize(bx, g, stats, eps, null, xhat);
  kernels.gradSums(bdy, bx, g, stats, eps, sums, null);
  const read = async (from: typeof out, length: number) => [...(await backend.read(from, length))];
  const one = async (from: typeof out) => (await read(from, 1))[0] ?? 0;

  kernels.gradNormalize(ones, bx, g, stats, eps, null, null, m, out); // with dy = 1 and no sums, the result is r
  const [r = 0] = await read(out, 1);
  const term = async (some: typeof sums | null) => {
    kernels.gradNormalize(bdy, bx, g, stats, eps, affine, some, m, out);
    return read(out, m);
  };
  const direct = await term(null);
  // With stored statistics, neither path exists.
  const withMean = stored ? direct : await term({ dy: sums.dy, dyXhat: zero });
  const withVariance = stored ? direct : await term({ dy: zero, dyXhat: sums.dyXhat });
  const beyond = (some: readonly number[]) => some.map((value, i) => value - (direct[i] ?? 0));
  const outcome = {
    mean: await one(stats.mean),
    variance: await one(stats.variance),
    r,
    xhat: await read(xhat, m),
    sumDy: await one(sums.dy),
    sumDyXhat: await one(sums.dyXhat),
    direct,
    throughMean: beyond(withMean),
    throughVariance: beyond(withVariance),
  };
  for (const one of made) one.dispose();
  return outcome;
}
