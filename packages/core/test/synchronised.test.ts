import { describe, expect, it } from "vitest";
import { createCommunicator } from "../src/communicator/create-communicator.ts";
import {
  type Backend,
  type BatchNormScaleParams,
  type Communicator,
  createBatchNorm,
  createBatchNormScale,
  createBlob,
  createScale,
} from "../src/index.ts";
import { createPlain } from "./plain-backend.ts";

const alone = (): Communicator => createCommunicator({ rank: 0, size: 1, exchange: (values, all) => all.set(values) });

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    const { code, message } = error as { readonly code: string; readonly message: string };
    return `${code} ${message}`;
  }
  return "nothing was thrown";
}

/** A plain backend, with or without splitMoments, whose supports differ by `facts`. */
function backendWith(facts: Partial<Backend["supports"]>, split = true): Backend {
  const plain = createPlain();
  const { splitMoments, ...others } = plain.kernels;
  const kernels = split && splitMoments ? { ...others, splitMoments } : others;
  return Object.assign(plain, { kernels, supports: { ...plain.supports, ...facts } });
}

describe("the option communicator", () => {
  it.each([null, {}, Promise.resolve(), "world", { rank: 0, size: 0, allGather: () => {} }, { rank: 0, size: 1 }])(
    "refuses what is none: %j",
    (wrong) => {
      const params: object = { communicator: wrong };
      expect(messageOf(() => createBatchNorm(params))).toMatch(
        /^ERR_BN_PARAM BatchNorm create: communicator is .*, expected a communicator, e.g. from createMpi\(\) or joinThreads\(\)/,
      );
    },
  );

  it("globalGradients is for a fused layer with a communicator", () => {
    expect(messageOf(() => createBatchNormScale({ globalGradients: true }))).toMatch(
      "globalGradients needs a communicator",
    );
    const params: BatchNormScaleParams = { globalGradients: true, communicator: alone() };
    expect(messageOf(() => createBatchNorm(params))).toMatch("createBatchNormScale has it");
    expect(messageOf(() => createScale(params as object))).toMatch(/^ERR_BN_PARAM .*createBatchNorm/);
    expect(messageOf(() => createBatchNormScale(params))).toBe("nothing was thrown");
  });

  it.each([
    ["returns its results later", backendWith({ hostVisible: false })],
    ["has no kernel splitMoments", backendWith({}, false)],
  ])("setUp refuses a backend that %s (R-7)", (why, backend) => {
    const [x, y] = [createBlob(backend, [2, 3]), createBlob(backend)];
    const layer = createBatchNorm({ name: "bn1", communicator: alone() });
    expect(messageOf(() => layer.setUp([x], [y]))).toMatch(
      new RegExp(`^ERR_BN_BACKEND BatchNorm "bn1" setUp: communicator: backend ".*" ${why}.*@bn/cpu or @bn/wasm`),
    );
    expect(layer.blobs).toEqual([]);
    createBatchNorm().setUp([x], [y]); // allowed without a communicator
  });
});
