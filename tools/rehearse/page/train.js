import { cases, runCases } from "@bn/conformance";
import { createBatchNormScale, createBlob } from "@bn/core";

const SHAPE = [8, 3, 4, 4];
const STEPS = 30;
const RATE = 0.5;

/** Learns gamma 2 and beta -1 by gradient descent, then runs the smallest conformance cases. */
export async function trial(create) {
  const backend = await create();
  const learnt = await train(backend);
  const { name, supports } = backend;
  await backend.dispose();
  const chosen = cases().filter(({ id }) => id.includes("/2x3x5/"));
  const results = await runCases(name, create, chosen);
  return { name, supports, learnt, results };
}

async function train(backend) {
  const [x, y] = [createBlob(backend, SHAPE), createBlob(backend)];
  const layer = createBatchNormScale({ biasTerm: true });
  x.write(Float32Array.from({ length: x.count() }, (_, i) => 50 + 7 * Math.sin(i * i)));
  layer.setUp([x], [y]);
  layer.forward([x], [y]);
  const target = (await y.read()).map((xhat) => 2 * xhat - 1);
  const [gamma, beta] = [layer.blobs[3], layer.blobs[4]];
  const perChannel = x.count() / SHAPE[1];
  for (let step = 0; step < STEPS; step++) {
    layer.forward([x], [y]);
    const top = await y.read();
    y.writeDiff(top.map((value, i) => (value - target[i]) / perChannel));
    layer.clearParamDiffs();
    layer.backward([y], [true], [x]);
    for (const blob of [gamma, beta]) {
      const diff = await blob.readDiff();
      blob.write((await blob.read()).map((value, i) => value - RATE * diff[i]));
    }
  }
  return {
    gamma: Array.from(await gamma.read()),
    beta: Array.from(await beta.read()),
    dx: Array.from(await x.readDiff()),
  };
}
