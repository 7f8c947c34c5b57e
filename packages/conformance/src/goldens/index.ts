export { goldenCases } from "./cases.ts";
export { EXCEPTIONS, type Exception } from "./exceptions.ts";
export { readGoldens } from "./format.ts";
export type { GoldenReader } from "./tensors.ts";
export type { GoldenCase, GoldenLayer, GoldenSet, GoldenStep, GoldenTensor } from "./types.ts";
