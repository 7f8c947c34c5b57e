import { type Backend, type Blob, createBatchNormScale, createBlob, type Layer } from "@bn/core";

/**
 * A small network: 2 inputs, 16 hidden units, batch normalization, ReLU, 1 output. The normalization is a layer of @bn
 * on any backend. The rest is plain arithmetic on arrays, so that you need no other library to follow it.
 *
 * The network learns to distinguish points inside of a circle from points around it. All points lie 100 away from zero;
 * the normalization removes this offset for any weights.
 */
export interface Run {
  /** The cross-entropy of each step. */
  readonly losses: readonly number[];
  /** The share of right answers in the test phase, with the stored statistics. */
  readonly accuracy: number;
  readonly gamma: readonly number[];
}

const HIDDEN = 16;
const BATCH = 128;
const STEPS = 150;
const RATE = 0.5;

export async function train(backend: Backend): Promise<Run> {
  const random = generator(7);
  const { inputs, labels } = ring(random);
  const [before, after] = [createBlob(backend, [BATCH, HIDDEN]), createBlob(backend)];
  const norm = createBatchNormScale({ name: "norm", biasTerm: true, movingAverageFraction: 0.9 });
  norm.setUp([before], [after]);
  const [gamma, beta] = norm.blobs.slice(3) as [Blob, Blob];

  const hidden = { weights: normals(random, 2 * HIDDEN), gradient: new Float64Array(2 * HIDDEN) };
  const output = { weights: normals(random, HIDDEN), bias: 0 };
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    // Forward: hidden = inputs * weights, normalized = norm(hidden), p = sigmoid(relu(normalized) * weights + bias).
    before.write(product(inputs, hidden.weights));
    norm.forward([before], [after]);
    const normalized = await after.read();
    const { errors, loss } = judge(normalized, output, labels);
    losses.push(loss);

    // Backward: the gradient of each normalized value, then through the layer, then to the weights.
    after.writeDiff(
      normalized.map((value, i) => (value > 0 ? at(errors, (i / HIDDEN) | 0) * at(output.weights, i % HIDDEN) : 0)),
    );
    norm.clearParamDiffs();
    norm.backward([after], [true], [before]);
    const down = await before.readDiff();
    hidden.gradient.fill(0);
    down.forEach((diff, i) => {
      const row = (i / HIDDEN) | 0;
      for (const k of [0, 1]) hidden.gradient[k * HIDDEN + (i % HIDDEN)]! += diff * at(inputs, 2 * row + k);
    });

    // One step of gradient descent, with the same rate for all parameters.
    for (const blob of [gamma, beta]) {
      const diff = await blob.readDiff();
      blob.write((await blob.read()).map((value, i) => value - RATE * at(diff, i)));
    }
    hidden.weights = hidden.weights.map((weight, i) => weight - RATE * at(hidden.gradient, i));
    normalized.forEach((value, i) => {
      output.weights[i % HIDDEN]! -= RATE * at(errors, (i / HIDDEN) | 0) * Math.max(value, 0);
    });
    output.bias -= RATE * errors.reduce((sum, error) => sum + error, 0);
  }

  const accuracy = await accuracyInTestPhase(norm, before, after, product(inputs, hidden.weights), output, labels);
  const run = { losses, accuracy, gamma: Array.from(await gamma.read()) };
  for (const resource of [norm, before, after]) resource.dispose();
  return run;
}

/** The same blobs in a layer of the test phase, which uses the stored statistics for every batch. */
async function accuracyInTestPhase(
  norm: Layer,
  before: Blob,
  after: Blob,
  hidden: Float64Array,
  output: Output,
  labels: readonly number[],
): Promise<number> {
  const test = createBatchNormScale({ name: "norm", phase: "test", biasTerm: true, blobs: norm.blobs });
  test.setUp([before], [after]);
  before.write(hidden);
  test.forward([before], [after]);
  const { errors } = judge(await after.read(), output, labels);
  test.dispose();
  return errors.filter((error) => Math.abs(error * BATCH) < 0.5).length / BATCH;
}

interface Output {
  readonly weights: Float64Array;
  readonly bias: number;
}

/** The error of each row, (p - label) / rows, and the mean cross-entropy. */
function judge(normalized: ArrayLike<number>, { weights, bias }: Output, labels: readonly number[]) {
  let loss = 0;
  const errors = labels.map((label, row) => {
    let sum = bias;
    for (let j = 0; j < HIDDEN; j++) sum += Math.max(at(normalized, row * HIDDEN + j), 0) * at(weights, j);
    const p = 1 / (1 + Math.exp(-sum));
    loss -= Math.log(Math.max(label === 1 ? p : 1 - p, 1e-12)) / BATCH;
    return (p - label) / BATCH;
  });
  return { errors, loss };
}

/** Multiplies inputs [BATCH, 2] by weights [2, HIDDEN]. */
function product(inputs: Float64Array, weights: Float64Array): Float64Array {
  return Float64Array.from({ length: BATCH * HIDDEN }, (_, i) => {
    const [row, j] = [(i / HIDDEN) | 0, i % HIDDEN];
    return at(inputs, 2 * row) * at(weights, j) + at(inputs, 2 * row + 1) * at(weights, HIDDEN + j);
  });
}

/** Points inside and around a circle that is far from zero. */
export function ring(random: () => number): { inputs: Float64Array; labels: number[] } {
  const inputs = new Float64Array(2 * BATCH);
  const labels: number[] = [];
  for (let row = 0; row < BATCH; row++) {
    const angle = 2 * Math.PI * random();
    const label = row % 2;
    const radius = label === 1 ? 0.6 * random() : 1 + 0.4 * random();
    inputs[2 * row] = 100 + radius * Math.cos(angle);
    inputs[2 * row + 1] = 100 + radius * Math.sin(angle);
    labels.push(label);
  }
  return { inputs, labels };
}

export function normals(random: () => number, length: number): Float64Array {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Float64Array.from({ length }, normal);
}

/** Uniform numbers in [0, 1), the same in every run, from a linear congruential generator. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const at = (values: ArrayLike<number>, index: number): number => values[index] as number;
