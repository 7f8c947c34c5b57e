import { batchNormOf, buildModel } from "@bn/onnx";

/**
 * A model with mistakes that conversions make: untrained statistics, a negative variance, a mean far beyond the
 * deviation, NaN.
 */
export function mistaken(): File {
  const [zero, one] = [new Float32Array(4), new Float32Array(4).fill(1)];
  const [mean, variance] = [Float32Array.of(0.1, -0.3, 0.7, 0.2), Float32Array.of(1.3, 0.8, 2.1, 0.6)];
  const blobs: readonly (readonly [string, Float32Array, Float32Array, Float32Array, number])[] = [
    ["as_it_should_be", mean, variance, one, 1e-5],
    ["never_trained", zero, one, one, 1e-5],
    ["negative_variance", mean, Float32Array.of(1.3, -0.01, 2.1, 0.6), one, 1e-5],
    ["mean_beyond_digits", Float32Array.of(0.1, -0.3, 3e6, 0.2), variance, one, 1e-5],
    [
      "not_a_number",
      Float32Array.of(-0.4, 0.5, 0.2, 0.9),
      Float32Array.of(0.7, 1.9, 0.4, 1.1),
      Float32Array.of(1, Number.NaN, 1, 1),
      1e-5,
    ],
    ["no_epsilon", Float32Array.of(0, -0.3, 0.7, 0.2), Float32Array.of(0, 0.8, 2.1, 0.6), one, 0],
  ];
  const layers = blobs.map(([name, means, variances, gamma, eps]) =>
    batchNormOf([means, variances, [1], gamma, zero], { name, eps, movingAverageFraction: 0.9 }),
  );
  const bytes = buildModel(layers, { shape: [1, 4, 8, 8] });
  return new File([Uint8Array.from(bytes)], "mistakes.onnx");
}
