import { type Backend, createBatchNorm, createBatchNormScale, createBlob, createScale } from "../../src/index.ts";
import type { ErrorRow } from "./desk.ts";

const P = "ERR_BN_PARAM";
const S = "ERR_BN_SHAPE";

// JavaScript and files can contain values that the types forbid.
const unchecked = <T>(value: unknown): T => value as T;

const noBackend = unchecked<Backend>;

const LAYERS = { BatchNorm: createBatchNorm, BatchNormScale: createBatchNormScale, Scale: createScale } as const;

/** Options of a layer: its type, the options, and the option that the message names. */
const OPTIONS: readonly (readonly [keyof typeof LAYERS, unknown, readonly string[]])[] = [
  ["BatchNorm", { use_global_stats: true }, ["use_global_stats", "useGlobalStats?"]],
  ["BatchNorm", { moving_average_fraction: 0.9 }, ["did you mean movingAverageFraction?"]],
  ["BatchNorm", { epsilon: 1 }, ["epsilon: did you mean eps?"]],
  ["BatchNorm", { esp: 1 }, ["did you mean eps?"]],
  ["BatchNorm", { momentum: 0.1 }, ["did you mean movingAverageFraction?", "1 - momentum in PyTorch"]],
  ["BatchNorm", { Phase: "test" }, ["did you mean phase?"]],
  ["BatchNorm", { training: true }, ["did you mean phase?"]],
  ["BatchNorm", { updateStat: true }, ["did you mean updateStats?"]],
  ["BatchNorm", { movingAverageFracton: 0.9 }, ["did you mean movingAverageFraction?"]],
  ["BatchNorm", { biasTerm: true }, ["biasTerm", "createBatchNormScale"]],
  ["BatchNorm", { numAxes: 1 }, ["numAxes", "createScale"]],
  ["BatchNorm", { affine: true }, ["affine", "createBatchNormScale"]],
  ["BatchNorm", { constructor: 1 }, ["constructor", "the options are name, blobs, phase"]],
  ["BatchNorm", JSON.parse('{ "__proto__": 1 }'), ["__proto__"]],
  ["BatchNorm", { toString: 1 }, ["toString"]],
  ["BatchNorm", { qqq: 1 }, ["qqq", "the options are"]],
  ["BatchNorm", Object.create({ epsilon: 1 }), ["epsilon"]],
  ["BatchNorm", { useGlobalStats: "false" }, ["useGlobalStats", '"false"', "true or false"]],
  ["BatchNorm", { useGlobalStats: null }, ["useGlobalStats", "null"]],
  ["BatchNorm", { updateStats: 1 }, ["updateStats", "1", "true or false"]],
  ["BatchNorm", { movingAverageFraction: "0.9" }, ["movingAverageFraction", '"0.9"']],
  ["BatchNorm", { movingAverageFraction: 1n }, ["movingAverageFraction", "BigInt 1"]],
  ["BatchNorm", { eps: null }, ["eps", "null"]],
  ["BatchNorm", { eps: [1e-5] }, ["eps", "an array"]],
  ["BatchNorm", { eps: Symbol("eps") }, ["eps", "a symbol"]],
  ["BatchNorm", { axis: "1" }, ["axis", '"1"', "whole number"]],
  ["BatchNorm", { name: 5 }, ["name", "5", "a string"]],
  ["BatchNorm", { phase: ["test"] }, ["phase", "an array"]],
  ["BatchNorm", { blobs: null }, ["blobs", "null", "array of blobs"]],
  ["BatchNorm", { blobs: {} }, ["blobs", "an object", "array of blobs"]],
  ["BatchNorm", { blobs: [null, null, null] }, ["blobs", "array of blobs"]],
  ["BatchNorm", { blobs: new Array(3) }, ["blobs", "array of blobs"]],
  ["BatchNorm", null, ["null", "an object"]],
  ["BatchNorm", [], ["an empty array", "an object"]],
  ["BatchNorm", "bn1", ['"bn1"', "an object"]],
  ["BatchNorm", new Map([["eps", 1]]), ["a Map", "an object"]],
  ["BatchNorm", Promise.resolve({}), ["a promise", "await"]],
  ["BatchNormScale", { bias_term: true }, ["did you mean biasTerm?"]],
  ["BatchNormScale", { bias: true }, ["did you mean biasTerm?"]],
  ["BatchNormScale", { biasTerm: "false" }, ["biasTerm", '"false"', "true or false"]],
  ["BatchNormScale", { filler: { value: 1e39 } }, ["filler.value", "1e+39", "float32"]],
  ["BatchNormScale", { filler: { value: "2" } }, ["filler.value", '"2"']],
  ["BatchNormScale", { filler: { val: 2 } }, ["unknown option filler.val", "did you mean filler.value?"]],
  ["BatchNormScale", { filler: 1 }, ["filler is 1", "constant"]],
  ["BatchNormScale", { filler: null }, ["filler is null"]],
  ["BatchNormScale", { biasFiller: { mean: 1 } }, ["unknown option biasFiller.mean"]],
  ["Scale", { num_axes: 2 }, ["did you mean numAxes?"]],
  ["Scale", { eps: 1e-5 }, ["eps", "createBatchNorm"]],
  ["Scale", { numAxes: 1n }, ["numAxes", "BigInt 1"]],
  ["Scale", { biasFiller: { value: Number.POSITIVE_INFINITY } }, ["biasFiller.value", "Infinity"]],
];

const OPTION_ROWS: readonly ErrorRow[] = OPTIONS.map(([type, options, says], i) => ({
  name: `strict/${type}/${i} ${says[0]}`,
  clause: "L-9",
  code: P,
  says: [`${type}`, ...says],
  act: () => () => LAYERS[type](unchecked(options)),
}));

/** Calls of a layer with arguments that are not lists of blobs. */
const CALL_ROWS: readonly ErrorRow[] = (
  [
    [
      "forward(x, y)",
      ["bottom is a blob", "forward([x], [y])"],
      (t) => () => t.bn.forward(unchecked(t.x), unchecked(t.y)),
    ],
    [
      "forward(x)",
      ["bottom is a blob"],
      (t) => () => unchecked<(...x: unknown[]) => void>(t.bn.forward.bind(t.bn))(t.x),
    ],
    ["forward()", ["bottom is undefined"], (t) => unchecked<() => void>(t.bn.forward.bind(t.bn))],
    [
      "setUp([x])",
      ["top is undefined", "setUp([x], [y])"],
      (t) => () => unchecked<(x: unknown) => void>(t.bn.setUp.bind(t.bn))([t.x]),
    ],
    ["setUp([null], [y])", ["bottom[0] is null", "createBlob()"], (t) => () => t.bn.setUp([unchecked(null)], [t.y])],
    ["setUp([ , ], [y])", ["bottom[0] is undefined"], (t) => () => t.bn.setUp(new Array(1), [t.y])],
    ["forward of a buffer", ["bottom[0] is a buffer"], (t) => () => t.bn.forward([unchecked(t.x.data)], [t.y])],
    ["forward of numbers", ["top[0] is an array"], (t) => () => t.scale.forward([t.y], [unchecked([1, 2])])],
    [
      "backward([y], [x])",
      ["bottom is undefined", "backward([y], [true], [x])"],
      (t) => () => unchecked<(...x: unknown[]) => void>(t.bn.backward.bind(t.bn))([t.y], [t.x]),
    ],
    [
      "propagateDown [1]",
      ["propagateDown[0] is 1", "true or false"],
      (t) => () => t.bn.backward([t.y], [unchecked(1)], [t.x]),
    ],
    [
      "propagateDown true",
      ["propagateDown is true", "backward([y], [true], [x])"],
      (t) => () => t.bn.backward([t.y], unchecked(true), [t.x]),
    ],
    [
      "Scale propagateDown ['false']",
      ["propagateDown[0]"],
      (t) => () => t.scale.backward([t.z], [unchecked("false")], [t.y]),
    ],
    [
      "Scale propagateDown [ , ]",
      ["propagateDown[0] is undefined"],
      (t) => () => t.scale.backward([t.z], new Array(1), [t.y]),
    ],
    [
      "phase = 'TEST'",
      ["phase", '"TEST"'],
      (t) => () => {
        t.bn.phase = unchecked("TEST");
      },
    ],
    [
      "phase = undefined",
      ["phase"],
      (t) => () => {
        t.bn.phase = unchecked(undefined);
      },
    ],
    [
      "updateStats = 'no'",
      ["updateStats", '"no"'],
      (t) => () => {
        t.bn.updateStats = unchecked("no");
      },
    ],
  ] as readonly (readonly [string, readonly string[], ErrorRow["act"]])[]
).map(([name, says, act]) => ({ name: `strict/call/${name}`, clause: "L-9", code: P, says, act }));

/** createBlob and the values of a blob. */
const BLOB_ROWS: readonly ErrorRow[] = (
  [
    [
      "a promise of a backend",
      P,
      ["a promise", "await createCpu()"],
      (t) => () => createBlob(noBackend(Promise.resolve(t.backend)), [2]),
    ],
    ["null for a backend", P, ["null", "a backend"], () => () => createBlob(noBackend(null), [2])],
    ["a name for a backend", P, ['"cpu"', "a backend"], () => () => createBlob(noBackend("cpu"), [2])],
    ["a shape first", P, ["an array", "a backend"], () => () => createBlob(noBackend([2]))],
    ["createBlob(b, 8)", S, ["shape is 8", "[8]"], (t) => () => createBlob(t.backend, unchecked(8))],
    ["createBlob(b, '2,3')", S, ['shape is "2,3"', "an array"], (t) => () => createBlob(t.backend, unchecked("2,3"))],
    ["createBlob(b, null)", S, ["shape is null"], (t) => () => createBlob(t.backend, unchecked(null))],
    [
      "createBlob(b, { length })",
      S,
      ["shape is an object"],
      (t) => () => createBlob(t.backend, unchecked({ length: 2, 0: 1, 1: 2 })),
    ],
    [
      "createBlob(b, Int32Array)",
      S,
      ["shape is a Int32Array"],
      (t) => () => createBlob(t.backend, unchecked(Int32Array.of(2))),
    ],
    [
      "a hole in the shape",
      S,
      ["axis 1 is undefined"],
      (t) => () => createBlob(t.backend, unchecked(Object.assign(new Array(3), { 0: 2, 2: 4 }))),
    ],
    ["a BigInt in the shape", S, ["axis 0 is the BigInt 2"], (t) => () => createBlob(t.backend, [unchecked(2n)])],
    ["a string in the shape", S, ['axis 0 is "2"'], (t) => () => createBlob(t.backend, [unchecked("2")])],
    ["a symbol in the shape", S, ["axis 0 is a symbol"], (t) => () => createBlob(t.backend, [unchecked(Symbol("n"))])],
    ["an array in the shape", S, ["axis 0 is an array"], (t) => () => t.x.reshape([unchecked([2])])],
    ["reshape(8)", S, ["Blob reshape", "shape is 8"], (t) => () => t.x.reshape(unchecked(8))],
    ["reshape()", S, ["Blob reshape", "undefined"], (t) => unchecked<() => void>(t.x.reshape.bind(t.x))],
    [
      "a symbol for a dtype",
      "ERR_BN_BACKEND",
      ["a symbol", "float32"],
      (t) => () => createBlob(t.backend, [2], unchecked(Symbol("f"))),
    ],
    [
      "a number for data",
      P,
      ["data is 5", "alloc()"],
      (t) => () => createBlob(t.backend, [2], "float32", unchecked(5)),
    ],
    [
      "an array for data",
      P,
      ["data is a Float32Array", "alloc()"],
      (t) => () => createBlob(t.backend, [2], "float32", unchecked(new Float32Array(2))),
    ],
    ["a string of digits", P, ["values are", '"12"'], (t) => () => t.blob([2]).write(unchecked("12"))],
    ["strings", P, ['value 1 is "2"', "a number"], (t) => () => t.blob([2]).write([1, unchecked("2")])],
    ["null among values", P, ["value 0 is null"], (t) => () => t.blob([1]).write([unchecked(null)])],
    [
      "a hole among values",
      P,
      ["value 1 is undefined"],
      (t) => () => t.blob([2]).write(unchecked(Object.assign(new Array(2), { 0: 1 }))),
    ],
    ["BigInts", P, ["value 0 is the BigInt 1"], (t) => () => t.blob([1]).writeDiff(unchecked(BigInt64Array.of(1n)))],
    ["no values", P, ["values are undefined"], (t) => unchecked<() => void>(t.x.write.bind(t.x))],
    ["a number for values", P, ["values are 3"], (t) => () => t.blob([1]).write(unchecked(3))],
    ["a set", P, ["a Set", "length"], (t) => () => t.blob([1]).write(unchecked(new Set([1])))],
    ["a DataView", P, ["a DataView"], (t) => () => t.blob([1]).write(unchecked(new DataView(new ArrayBuffer(4))))],
    ["a promise of values", P, ["a promise", "await"], (t) => () => t.blob([1]).write(unchecked(Promise.resolve([1])))],
    ["a blob for values", P, ["a blob"], (t) => () => t.blob([24]).write(unchecked(t.x))],
    [
      "a detached array",
      S,
      ["0 values", "24", "create the view again"],
      (t) => {
        const values = new Float32Array(24);
        structuredClone(values, { transfer: [values.buffer] });
        return () => t.x.write(values);
      },
    ],
    ["count of a symbol", S, ["Blob count", "a symbol"], (t) => () => t.x.count(unchecked(Symbol("n")))],
    ["axis as a BigInt", S, ["Blob canonicalAxis", "BigInt"], (t) => () => t.x.canonicalAxis(unchecked(1n))],
  ] as readonly (readonly [string, ErrorRow["code"], readonly string[], ErrorRow["act"]])[]
).map(([name, code, says, act]) => ({ name: `strict/blob/${name}`, clause: "L-9", code, says, act }));

export const STRICT_ROWS: readonly ErrorRow[] = [...OPTION_ROWS, ...CALL_ROWS, ...BLOB_ROWS];
