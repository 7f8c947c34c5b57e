import { type Backend, type Blob, type Communicator, createBatchNormScale, createBlob } from "@bn/core";
import { generator, normals, ring } from "../network.ts";

/** The result of the training, which is the same on every rank. */
export interface Run {
  /** The cross-entropy of each step over the whole batch. */
  readonly losses: readonly number[];
  /** The stored mean and variance. */
  readonly stored: readonly (readonly number[])[];
}

const HIDDEN = 16;
const RATE = 0.5;

/**
 * The network of ../network.ts (2 inputs, 16 hidden units with batch normalization and ReLU, 1 output) on ranks that
 * share each batch. Two things give the result of a single process with the whole batch: the layer's communicator, and
 * the sum of the gradients over all ranks. Without a communicator, this is that single process.
 *
 * `orderOf` reorders the rows of the batch, which changes only roundings.
 */
export async function train(
  backend: Backend,
  communicator: Communicator | null,
  steps: number,
  orderOf: (row: number) => number = (row) => row,
): Promise<Run> {
  const random = generator(7);
  const data = ring(random);
  const batch = data.labels.length;
  const weights = {
    hidden: normals(random, 2 * HIDDEN),
    output: normals(random, HIDDEN),
    bias: new Float64Array(1),
  };

  // The rows of this rank. If the batch cannot be divided evenly, some ranks have one row more.
  const { rank, size } = communicator ?? { rank: 0, size: 1 };
  const start = Math.floor((rank * batch) / size);
  const rows = Math.floor(((rank + 1) * batch) / size) - start;
  const mine = Array.from({ length: rows }, (_, i) => orderOf(start + i));
  const inputOf = (row: number, k: number) => data.inputs[2 * (mine[row] as number) + k] as number;

  const [before, after] = [createBlob(backend, [rows, HIDDEN], "float64"), createBlob(backend, [], "float64")];
  const params = { name: "norm", biasTerm: true, movingAverageFraction: 0.9 };
  const norm = createBatchNormScale(communicator === null ? params : { ...params, communicator });
  norm.setUp([before], [after]);
  const [gamma, beta] = [norm.gamma as Blob, norm.beta as Blob];

  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    // Forward. The layer gathers the moments of all ranks.
    before.write(
      table(
        rows,
        (row, j) => inputOf(row, 0) * at(weights.hidden, j) + inputOf(row, 1) * at(weights.hidden, HIDDEN + j),
      ),
    );
    norm.forward([before], [after]);
    const normalized = await after.read();
    let loss = 0;
    const errors = mine.map((place, row) => {
      let sum = at(weights.bias, 0);
      for (let j = 0; j < HIDDEN; j++) sum += Math.max(at(normalized, row * HIDDEN + j), 0) * at(weights.output, j);
      const p = 1 / (1 + Math.exp(-sum));
      const label = data.labels[place] as number;
      loss -= Math.log(Math.max(label === 1 ? p : 1 - p, 1e-12)) / batch;
      return (p - label) / batch; // divided by the rows of the whole batch, not of this rank
    });

    // Backward. The layer gathers the sums of all ranks.
    after.writeDiff(
      table(rows, (row, j) => (at(normalized, row * HIDDEN + j) > 0 ? at(errors, row) * at(weights.output, j) : 0)),
    );
    norm.clearParamDiffs();
    norm.backward([after], [true], [before]);
    const down = await before.readDiff();

    // The gradients of this rank, then the sum over all ranks, in one exchange for all gradients and the loss.
    const own = {
      hidden: new Float64Array(2 * HIDDEN),
      output: new Float64Array(HIDDEN),
      bias: Float64Array.of(errors.reduce((sum, error) => sum + error, 0)),
      gamma: await gamma.readDiff(),
      beta: await beta.readDiff(),
      loss: Float64Array.of(loss),
    };
    for (let row = 0; row < rows; row++) {
      for (let j = 0; j < HIDDEN; j++) {
        const diff = at(down, row * HIDDEN + j);
        for (const k of [0, 1]) own.hidden[k * HIDDEN + j]! += diff * inputOf(row, k);
        own.output[j]! += at(errors, row) * Math.max(at(normalized, row * HIDDEN + j), 0);
      }
    }
    const total = summed(communicator, own);
    losses.push(at(total.loss, 0));

    // One step of gradient descent, the same on every rank.
    for (const name of ["hidden", "output", "bias"] as const) weights[name] = moved(weights[name], total[name]);
    gamma.write(moved(await gamma.read(), total.gamma));
    beta.write(moved(await beta.read(), total.beta));
  }
  const stored = [Array.from(await norm.mean()), Array.from(await norm.variance())];
  for (const resource of [norm, before, after]) resource.dispose();
  return { losses, stored };
}

const NAMES = ["hidden", "output", "bias", "gamma", "beta", "loss"] as const;
type Gradients = Readonly<Record<(typeof NAMES)[number], ArrayLike<number>>>;

type Sum = Float64Array;

/** Sums each list over all ranks, in rank order, so that all ranks get the same bits. */
function summed(communicator: Communicator | null, own: Gradients): Gradients {
  if (communicator === null) return own;
  const mine = Float64Array.from(NAMES.flatMap((name) => Array.from(own[name])));
  const all = communicator.allGather("gradients", mine);
  const total = mine.map((_, i) => {
    let sum = 0;
    for (let rank = 0; rank < communicator.size; rank++) sum += at(all, rank * mine.length + i);
    return sum;
  });
  let end = 0;
  const next = (name: (typeof NAMES)[number]) => {
    end += own[name].length;
    return total.slice(end - own[name].length, end);
  };
  const [hidden, output, bias, gamma, beta, loss] = NAMES.map(next) as [Sum, Sum, Sum, Sum, Sum, Sum];
  return { hidden, output, bias, gamma, beta, loss };
}

const table = (rows: number, value: (row: number, j: number) => number): Float64Array =>
  Float64Array.from({ length: rows * HIDDEN }, (_, i) => value(Math.floor(i / HIDDEN), i % HIDDEN));

const moved = (weights: ArrayLike<number>, gradient: ArrayLike<number>): Float64Array<ArrayBuffer> =>
  Float64Array.from(weights, (weight, i) => weight - RATE * at(gradient, i));

const at = (values: ArrayLike<number>, index: number): number => values[index] as number;
