import {
  add,
  at,
  type Bounded,
  count,
  div,
  exact,
  mul,
  pow,
  put,
  sqrt,
  sub,
  sum,
  type Tensor,
  U,
  zeros,
} from "./bounded.ts";
import type { Given } from "./layers.ts";

/** The mean of the squared differences from the mean, and the differences. */
function spread(values: readonly Bounded[]) {
  const n = exact(values.length);
  const mean = div(sum(values), n);
  const differences = values.map((value) => sub(value, mean));
  return { differences, variance: div(sum(differences.map((d) => mul(d, d))), n) };
}

/**
 * (x - mean) / sqrt(variance + eps). The bound is the larger one of Caffe's order of operations and of ONNX Runtime's,
 * which computes x * A + B.
 */
export function batchNorm({ layer, bottoms: [x], blobs }: Given): readonly Tensor[] {
  const bottom = x as Tensor;
  const { shape } = bottom;
  const [channels, inner] = [shape[1] as number, count(shape, 2)];
  const own = layer.batchNormParam;
  const eps = exact(Math.fround(own?.eps ?? 1e-5));
  const top = zeros(shape);
  const factor = blobs[2]?.value[0] ?? 0;
  const s = factor === 0 ? exact(0) : div(exact(1), exact(factor));
  const batch = own !== undefined && Object.hasOwn(own, "useGlobalStats") && !own.useGlobalStats;
  for (let c = 0; c < channels; c++) {
    const places: number[] = [];
    for (let n = 0; n < (shape[0] as number); n++)
      for (let i = 0; i < inner; i++) places.push((n * channels + c) * inner + i);
    if (batch) {
      const { differences, variance } = spread(places.map((place) => at(bottom, place)));
      const std = sqrt(add(variance, eps));
      for (const [k, place] of places.entries()) put(top, place, div(differences[k] as Bounded, std));
      continue;
    }
    const mean = mul(at(blobs[0] as Tensor, c), s);
    const std = sqrt(add(mul(at(blobs[1] as Tensor, c), s), eps));
    const a = div(exact(1), std);
    const b = mul(mean, a);
    for (const place of places) {
      const value = at(bottom, place);
      const plain = div(sub(value, mean), std);
      put(top, place, { v: plain.v, e: Math.max(plain.e, sub(mul(value, a), b).e) });
    }
  }
  return [top];
}

/** x * scale + bias over the axes that it covers. Bias only adds. */
export function scaleOrBias({ layer, bottoms, blobs }: Given, type: "Scale" | "Bias"): readonly Tensor[] {
  const [bottom, second] = bottoms as [Tensor, Tensor?];
  const own = type === "Scale" ? layer.scaleParam : layer.biasParam;
  const given = own?.axis ?? 1;
  const axis = given < 0 ? given + bottom.shape.length : given;
  const operand = second ?? (blobs[0] as Tensor);
  const bias = type === "Scale" && layer.scaleParam?.biasTerm ? blobs[second ? 0 : 1] : undefined;
  const top = zeros(bottom.shape);
  const size = count(operand.shape);
  const inner =
    size === 1 && operand.shape.length === 0 ? top.value.length : count(bottom.shape, axis + operand.shape.length);
  for (let i = 0; i < top.value.length; i++) {
    const place = Math.floor(i / inner) % size;
    const value = at(bottom, i);
    const term = at(operand, place);
    const scaled = type === "Scale" ? mul(value, term) : add(value, term);
    put(top, i, bias ? add(scaled, at(bias, place)) : scaled);
  }
  return [top];
}

export function mvn({ layer, bottoms: [x] }: Given): readonly Tensor[] {
  const bottom = x as Tensor;
  const { shape } = bottom;
  const own = layer.mvnParam;
  const rows = (shape[0] as number) * (own?.acrossChannels ? 1 : (shape[1] ?? 1));
  const size = count(shape) / rows;
  const top = zeros(shape);
  const eps = exact(Math.fround(own?.eps ?? 1e-9));
  for (let r = 0; r < rows; r++) {
    const { differences, variance } = spread(Array.from({ length: size }, (_, i) => at(bottom, r * size + i)));
    const divisor = add(sqrt(variance), eps);
    for (const [i, d] of differences.entries())
      put(top, r * size + i, own?.normalizeVariance === false ? d : div(d, divisor));
  }
  return [top];
}

export function lrn({ layer, bottoms: [x] }: Given): readonly Tensor[] {
  const bottom = x as Tensor;
  const [images, channels, height, width] = bottom.shape as [number, number, number, number];
  const { localSize: size = 5, alpha = 1, beta = 0.75, k = 1, normRegion = 0 } = layer.lrnParam ?? {};
  const half = (size - 1) / 2;
  const top = zeros(bottom.shape);
  const index = (n: number, c: number, h: number, w: number) => ((n * channels + c) * height + h) * width + w;
  const inside = (c: number, h: number, w: number) =>
    c >= 0 && c < channels && h >= 0 && h < height && w >= 0 && w < width;
  const across = Array.from({ length: size }, (_, d) => [d - half, 0, 0] as const);
  const within = Array.from(
    { length: size * size },
    (_, d) => [0, Math.floor(d / size) - half, (d % size) - half] as const,
  );
  const [moves, cells, shift] = normRegion === 0 ? [across, size, k] : [within, size * size, 1];
  for (let n = 0; n < images; n++) {
    for (let c = 0; c < channels; c++) {
      for (let h = 0; h < height; h++) {
        for (let w = 0; w < width; w++) {
          const seen = moves
            .filter(([dc, dh, dw]) => inside(c + dc, h + dh, w + dw))
            .map(([dc, dh, dw]) => at(bottom, index(n, c + dc, h + dh, w + dw)));
          const squares = sum(seen.map((value) => mul(value, value)));
          const scale = add(exact(Math.fround(shift)), mul(div(exact(Math.fround(alpha)), exact(cells)), squares));
          // ONNX Runtime moves from channel to channel by adding one square and subtracting another, so sums of all of
          // them are rounded.
          const all = Array.from(
            { length: normRegion === 0 ? channels : 0 },
            (_, d) => at(bottom, index(n, d, h, w)).v ** 2,
          );
          const passing = Math.fround(shift) + (Math.fround(alpha) / cells) * all.reduce((a, b) => a + b, 0);
          const moved = { v: scale.v, e: scale.e + 2 * U * all.length * passing };
          put(top, index(n, c, h, w), mul(at(bottom, index(n, c, h, w)), pow(moved, -Math.fround(beta))));
        }
      }
    }
  }
  return [top];
}
