import { expect, test } from "vitest";
import { decodeBlob, readNet, readWeights, writeNet, writeWeights } from "../src/index.ts";

const param = (text: string) => readNet(`layer { ${text} }`).message.layer[0];

test("every form of a message and of a list", () => {
  const forms = [
    "layer { name: 'a' bottom: 'x' bottom: 'y' param { lr_mult: 1 } param { lr_mult: 2 } }",
    'layer: { name: "a", bottom: ["x", "y"], param [{ lr_mult: 1 }, < lr_mult: 2 >] }',
    "layer < name:'a'; bottom:['x','y',]; param:[<lr_mult:1>,<lr_mult:2>]; >".replace(",]", "]"),
    'layer [{name:"a" bottom:[] bottom:"x" bottom:["y"] param{lr_mult:0x1}param{lr_mult:2.0f}}]'.replace("0x1", "1f"),
    '# a comment\nlayer { # another { \n name: "a" bottom: "x"\nbottom\t:\r\n"y" param{lr_mult:+1}param{lr_mult:2}}'.replace(
      "+",
      "",
    ),
    "\uFEFFlayer { name: 'a' bottom: 'x' bottom: 'y' param { lr_mult: 1.0e0 } param { lr_mult: .2E+1 } }",
  ];
  const written = forms.map((text) => writeNet(readNet(text)));
  expect(new Set(written).size).toBe(1);
});

test.each<[string, number]>([
  ["1", 1],
  ["-1", -1],
  ["- 1", -1],
  ["1.5", 1.5],
  ["1.", 1],
  [".5", 0.5],
  ["1e-3", Math.fround(1e-3)],
  ["1E+3f", 1000],
  ["1.5F", 1.5],
  ["10f", 10],
  ["inf", Number.POSITIVE_INFINITY],
  ["-inf", Number.NEGATIVE_INFINITY],
  ["- Infinity", Number.NEGATIVE_INFINITY],
  ["nan", Number.NaN],
  ["1e99", Number.POSITIVE_INFINITY],
  ["0.1", Math.fround(0.1)],
  ["-0", -0],
  ["123456789012345678901234567890", Math.fround(1.2345678901234568e29)],
])("float %s", (text, value) => {
  const found = param(`batch_norm_param { eps: ${text} }`)?.batchNormParam?.eps;
  expect(found).toBe(value);
  const again = writeNet(readNet(`layer { batch_norm_param { eps: ${text} } }`));
  expect(readNet(again).message.layer[0]?.batchNormParam?.eps).toBe(value);
});

test.each<[string, number]>([
  ["12", 12],
  ["0x1F", 31],
  ["017", 15],
  ["0", 0],
  ["4294967295", 4294967295],
])("uint32 %s", (text, value) => {
  expect(param(`inner_product_param { num_output: ${text} }`)?.innerProductParam?.numOutput).toBe(value);
});

test("bools and enums by name and by number", () => {
  for (const text of ["true", "True", "t", "1"])
    expect(param(`scale_param { bias_term: ${text} }`)?.scaleParam?.biasTerm).toBe(true);
  for (const text of ["false", "False", "f", "0"])
    expect(param(`scale_param { bias_term: ${text} }`)?.scaleParam?.biasTerm).toBe(false);
  for (const text of ["TEST", "1", "0x1"]) expect(param(`phase: ${text}`)?.phase).toBe(1);
});

test("strings: escapes, both quotes, one after the other", () => {
  const name = (text: string) => param(`name: ${text}`)?.name;
  expect(name(String.raw`"a\n\t\"\'\\\x41\101\u00e9\U0001F600"`)).toBe("a\n\t\"'\\AA\u00e9\u{1F600}");
  expect(name(`'it"s' " " "one"`)).toBe('it"s one');
  expect(name(String.raw`"\303\251"`)).toBe("\u00e9");
  const text = writeNet(readNet(String.raw`layer { name: "a\n\"\\\001\303\251" }`));
  expect(text).toContain(String.raw`name: "a\n\"\\\001é"`);
  expect(readNet(text).message.layer[0]?.name).toBe('a\n"\\\u0001\u00e9');
});

test("weights in a text", () => {
  const text =
    "layer { name: 'bn' blobs { shape { dim: 2 } data: [1, 2.5] } blobs { num: 1 channels: 1 height: 1 width: 2 double_data: 0.1 double_data: 2 } }";
  const [one, two] = readNet(text).message.layer[0]?.blobs.map((bytes) => decodeBlob(bytes)) ?? [];
  expect([one?.shape, one?.data]).toEqual([[2], Float32Array.of(1, 2.5)]);
  expect([two?.shape, two?.legacy, two?.data]).toEqual([[1, 1, 1, 2], true, Float64Array.of(0.1, 2)]);
  expect(writeNet(readWeights(writeWeights(readNet(text))))).toBe(writeNet(readNet(text)));
});

test("what the schema does not name is kept, with its values as they were written", () => {
  const text = `layer { name: "up" type: "Upsample" upsample_param { scale: 2 mode: BILINEAR sizes: [0x10, 1e-3f] [ext.of.fork] { a: -inf } }
    convolution_param { dilation_of_a_fork: "a" 'b' num_output: 3 } 77: 5 }`;
  const written = writeNet(readNet(text));
  expect(written).toBe(`layer {
  name: "up"
  type: "Upsample"
  convolution_param {
    num_output: 3
    dilation_of_a_fork: "a" 'b'
  }
  upsample_param {
    scale: 2
    mode: BILINEAR
    sizes: [0x10, 1e-3f]
    [ext.of.fork] {
      a: -inf
    }
  }
  77: 5
}
`);
  expect(writeNet(readNet(written))).toBe(written);
  expect(() => writeWeights(readNet(text, { file: "up.prototxt" }))).toThrow(
    expect.objectContaining({
      code: "ERR_BN_DATA",
      message: expect.stringMatching(
        /^up\.prototxt:1:7: field upsample_param of caffe\.LayerParameter is not a field of Caffe's, and has no number/,
      ),
    }),
  );
});

test.each<[string, string]>([
  ['layer { name: "a"', "net.prototxt:1:18: the file ends, expected } to close { of 1:7"],
  ['layer {\n  name: "a"\n  bottom "x"\n}', "net.prototxt:3:10: expected : after bottom, before its value"],
  ["layer }", "net.prototxt:1:7: }, expected a value"],
  ["}", "net.prototxt:1:1: }, expected the name of a field"],
  ["layer { name: 5 }", 'net.prototxt:1:15: name is 5, expected a string in quotes, "..."'],
  ["layer { name: up }", 'net.prototxt:1:15: name is up, expected a string in quotes, "..."'],
  [
    'layer { name: "a" name: "b" }',
    "net.prototxt:1:19: name is given again, expected one value in LayerParameter; delete one of them",
  ],
  ["layer { name: [] }", "net.prototxt:1:9: name is given again, expected one value"],
  ['layer { name: "a }', 'net.prototxt:1:15: a string that does not end on its line; close it with "'],
  [
    String.raw`layer { name: "\q" }`,
    String.raw`net.prototxt:1:15: name is "\q", expected a string of protobuf's: the escape \q`,
  ],
  [String.raw`layer { name: "\400" }`, "is not a byte"],
  [String.raw`layer { name: "\377" }`, "expected text that is UTF-8"],
  ["layer { name: { } }", "net.prototxt:1:15: a message in braces, expected a value for name"],
  ["layer { batch_norm_param: 3 }", "net.prototxt:1:27: batch_norm_param is 3, expected a message in braces"],
  ["layer { batch_norm_param { eps: 0x10 } }", "eps is 0x10, expected a number, inf or nan"],
  ["layer { batch_norm_param { eps: 09 } }", "eps is 09, expected a number"],
  ["layer { batch_norm_param { eps: 1.2.3 } }", "net.prototxt:1:33: 1.2.3 is not a number"],
  [
    "layer { inner_product_param { num_output: -1 } }",
    "num_output is -1, expected a whole number from 0 to 4294967295",
  ],
  ["layer { inner_product_param { num_output: 4294967296 } }", "expected a whole number from 0 to 4294967295"],
  ["layer { inner_product_param { num_output: 1.0 } }", "expected a whole number"],
  ["layer { scale_param { bias_term: yes } }", "bias_term is yes, expected true or false"],
  ["layer { phase: 7 }", "phase is 7, expected one of TRAIN, TEST"],
  ['layer { bottom: ["a" "b", ; ] }', "net.prototxt:1:27: ;, expected a value"],
  ['layer { bottom: ["a" ; ] }', "net.prototxt:1:22: ; in a list, expected , or ]"],
  ["layer { : }", "net.prototxt:1:9: :, expected the name of a field"],
  ["layer { [a b! }", '"!" is not part of protobuf\'s text format; check that this is a .prototxt'],
  ["layer { [a { }", "{ in the name of an extension, expected ]"],
  ["layer { name: - 'a' }", "a sign before a string"],
  ["layer { blobs { data: 1 of_a_fork: 2 } }", "net.prototxt:1:25: of_a_fork is not a field of a blob; delete it"],
  ["<html><body>404</body></html>", "net.prototxt:1:1: <, expected the name of a field"],
  ["\u0000\u0001PK", '"\\u0000" is not part of protobuf\'s text format'],
  [`${"layer {".repeat(101)}`, "messages are nested more than 100 deep"],
  [`${"a {".repeat(101)}`, "messages are nested more than 100 deep"],
])("%s", (text, message) => {
  expect(() => readNet(text, { file: "net.prototxt" })).toThrow(
    expect.objectContaining({ name: "BnError", code: "ERR_BN_DATA", message: expect.stringContaining(message) }),
  );
});

test("a text of weights, and one of more than 16 MiB, are refused before they fill memory", () => {
  const values = "1 "
    .repeat(2 ** 21)
    .trim()
    .replaceAll(" ", ",");
  expect(() => readNet(`layer { loss_weight: [${values}, 1] }`)).toThrow(
    /net:1:\d+: more than 2097152 values; put weights in a \.caffemodel/,
  );
  expect(() => readNet("layer{}".repeat(2 ** 17))).toThrow(/more than 2097152 values/);
  expect(() => readNet(" ".repeat(2 ** 24 + 1))).toThrow(/16777217 characters, expected at most 16777216/);
});
