import type { CasesJson } from "./memory-goldens.ts";

const first = (json: CasesJson) => json.cases[0];
const firstTop = (json: CasesJson) => first(json).steps[0].layer_outputs[0];
const TOP = 'goldens cases.json, case "bn_shapes/2x3x4x5/f32" steps[0] layer_outputs[0]';
const LAYER = 'goldens cases.json, case "bn_shapes/2x3x4x5/f32" layers[0]';
export const CURE = "; restore the folder from its source";
const NAMES = "the name of a file inside the folder";

/** Changes of cases.json, with the message that each must cause. */
export const BROKEN: [string, (json: CasesJson) => unknown, string][] = [
  ["a list for an object", () => [], `goldens cases.json: is [], expected an object${CURE}`],
  ["null", () => "null", `goldens cases.json: is "null", expected an object${CURE}`],
  [
    "another format",
    (json) => {
      json.format = "caffe-bn-golden/2";
    },
    `goldens cases.json format: is "caffe-bn-golden/2", expected "caffe-bn-golden/1"${CURE}`,
  ],
  [
    "big-endian data",
    (json) => {
      json.byte_order = "big";
    },
    `goldens cases.json byte_order: is "big", expected "little"${CURE}`,
  ],
  ["no cases", (json) => void delete json.cases, `goldens cases.json cases: is missing, expected a list${CURE}`],
  [
    "a case that is a number",
    (json) => {
      json.cases[0] = 7;
    },
    `goldens cases.json cases[0]: is 7, expected an object${CURE}`,
  ],
  [
    "two cases of one name",
    (json) => {
      json.cases[1].name = json.cases[0].name;
    },
    `goldens cases.json cases[1] name: is "bn_shapes/2x3x4x5/f32", expected a name that no other case has${CURE}`,
  ],
  [
    "an unknown dtype of a case",
    (json) => {
      first(json).dtype = "float16";
    },
    `goldens cases.json, case "bn_shapes/2x3x4x5/f32" dtype: is "float16", expected float32 or float64${CURE}`,
  ],
  [
    "a dtype that only Object.prototype has",
    (json) => {
      first(json).dtype = "toString";
    },
    `goldens cases.json, case "bn_shapes/2x3x4x5/f32" dtype: is "toString", expected float32 or float64${CURE}`,
  ],
  [
    "an unknown dtype of a tensor",
    (json) => {
      firstTop(json).dtype = "int8";
    },
    `${TOP} dtype: is "int8", expected float32 or float64${CURE}`,
  ],
  [
    "a dtype that is not the case's",
    (json) => {
      firstTop(json).dtype = "float64";
    },
    `${TOP} dtype: is "float64", expected "float32", the case's${CURE}`,
  ],
  [
    "an unknown op",
    (json) => {
      first(json).steps[0].op = "sideways";
    },
    `goldens cases.json, case "bn_shapes/2x3x4x5/f32" steps[0] op: is "sideways", expected "forward", "backward" or "clear_param_diffs"${CURE}`,
  ],
  [
    "an unknown layer",
    (json) => {
      first(json).layers[0].type = "LRN";
    },
    `${LAYER} type: is "LRN", expected BatchNorm or Scale${CURE}`,
  ],
  [
    "an unknown parameter",
    (json) => {
      first(json).layers[0].param.momentum = 1;
    },
    `${LAYER} param: has the unknown field "momentum", expected use_global_stats, moving_average_fraction, eps${CURE}`,
  ],
  [
    "a parameter of another type",
    (json) => {
      first(json).layers[0].param.eps = "1";
    },
    `${LAYER} param eps: is "1", expected a finite number${CURE}`,
  ],
  [
    "an offset outside the file",
    (json) => {
      firstTop(json).offset = 8e6;
    },
    `${TOP}: bytes 8000000 to 8000480 lie outside bn_shapes.f32.bin, which has 116424; the file is truncated or belongs to another set: restore it from its source`,
  ],
  [
    "a negative offset",
    (json) => {
      firstTop(json).offset = -8;
    },
    `${TOP} offset: is -8, expected a whole number >= 0${CURE}`,
  ],
  [
    "an offset that overflows",
    (json) => {
      firstTop(json).offset = 1e300;
    },
    `${TOP} offset: is 1e+300, expected a whole number >= 0${CURE}`,
  ],
  [
    "an offset off its alignment",
    (json) => {
      firstTop(json).offset = 12;
    },
    `${TOP} offset: is 12, expected a multiple of 8${CURE}`,
  ],
  [
    "a length that is not the shape's",
    (json) => {
      firstTop(json).length = 476;
    },
    `${TOP} length: is 476, expected 480, 4 bytes per element of its shape${CURE}`,
  ],
  [
    "a shape that overflows",
    (json) => {
      firstTop(json).shape = [65536, 65536];
    },
    `${TOP} shape: is [65536,65536], expected at most 2^31 - 1 elements${CURE}`,
  ],
  [
    "a shape with 33 axes",
    (json) => {
      firstTop(json).shape = new Array(33).fill(1);
    },
    `${TOP} shape: is ${JSON.stringify(new Array(33).fill(1)).slice(0, 57)}..., expected at most 32 axes${CURE}`,
  ],
  [
    "a shape that is not the bottom's",
    (json) => {
      firstTop(json).shape = [2, 3, 20];
    },
    `${TOP} shape: is [2,3,20], expected [2, 3, 4, 5]${CURE}`,
  ],
  [
    "a fraction of an axis",
    (json) => {
      firstTop(json).shape = [2.5];
    },
    `${TOP} shape[0]: is 2.5, expected a whole number >= 0${CURE}`,
  ],
  [
    "a file outside the folder",
    (json) => {
      firstTop(json).file = "../secret";
    },
    `${TOP} file: is "../secret", expected ${NAMES}${CURE}`,
  ],
  [
    "an absolute file",
    (json) => {
      firstTop(json).file = "/etc/passwd";
    },
    `${TOP} file: is "/etc/passwd", expected ${NAMES}${CURE}`,
  ],
  [
    "a file on a drive",
    (json) => {
      firstTop(json).file = "c:x";
    },
    `${TOP} file: is "c:x", expected ${NAMES}${CURE}`,
  ],
  [
    "a file by a back door",
    (json) => {
      firstTop(json).file = "a\\..\\..\\b";
    },
    `${TOP} file: is "a\\\\..\\\\..\\\\b", expected ${NAMES}${CURE}`,
  ],
  [
    "a file that is missing",
    (json) => {
      firstTop(json).file = "gone.bin";
    },
    `${TOP}: cannot read gone.bin (no such file); name a folder in the format of goldens/README.md`,
  ],
  [
    "no layer",
    (json) => {
      first(json).layers = [];
    },
    `goldens cases.json, case "bn_shapes/2x3x4x5/f32" layers: is [], expected at least one layer${CURE}`,
  ],
  [
    "an op that is not its layers'",
    (json) => {
      first(json).op = "Scale";
    },
    `goldens cases.json, case "bn_shapes/2x3x4x5/f32" op: is "Scale", expected "BatchNorm", the types of its layers${CURE}`,
  ],
  [
    "a backward before any forward",
    (json) => void first(json).steps.shift(),
    `goldens cases.json, case "bn_shapes/2x3x4x5/f32" steps[0]: is a backward before any forward${CURE}`,
  ],
  [
    "a top too many",
    (json) => void first(json).steps[0].layer_outputs.push(firstTop(json)),
    `goldens cases.json, case "bn_shapes/2x3x4x5/f32" steps[0] layer_outputs: has 2 entries, expected 1${CURE}`,
  ],
  [
    "a BatchNorm without blobs",
    (json) => {
      first(json).layers[0].initial_blobs = [];
    },
    `${LAYER} initial_blobs: are not the mean, the variance and the factor of a BatchNorm${CURE}`,
  ],
];
