import { batchNormOf, buildModel } from "@bn/onnx";

/** What goes wrong in conversions: statistics never made, a variance below zero, a mean far beyond the deviation, NaN. */
export function mistaken(): File {
  const [zero, one] = [new Float32Array(4), new Float32Array(4).fill(1)];
  const blobs: readonly (readonly [string, Float32Array, Float32Array, Float32Array, number])[] = [
    ["as_it_should_be", zero, one, one, 1e-5],
    ["never_trained", zero, zero, one, 1e-5],
    ["negative_variance", zero, Float32Array.of(1, -0.01, 1, 1), one, 1e-5],
    ["mean_beyond_digits", Float32Array.of(0, 0, 3e6, 0), one, one, 1e-5],
    ["not_a_number", zero, one, Float32Array.of(1, Number.NaN, 1, 1), 1e-5],
    ["no_epsilon", zero, Float32Array.of(0, 1, 1, 1), one, 0],
  ];
  const layers = blobs.map(([name, mean, variance, gamma, eps]) =>
    batchNormOf([mean, variance, [1], gamma, zero], { name, eps, movingAverageFraction: 0.9 }),
  );
  const bytes = buildModel(layers, { shape: [1, 4, 8, 8] });
  return new File([Uint8Array.from(bytes)], "mistakes.onnx");
}
