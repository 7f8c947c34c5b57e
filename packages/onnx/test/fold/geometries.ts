import { create } from "@bufbuild/protobuf";
import { AttributeProto_AttributeType, AttributeProtoSchema } from "onnx-buf";
import { conv } from "./kinds.ts";
import { intAttribute, intsAttribute } from "./net.ts";

const text = (name: string, value: string) =>
  create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.STRING, s: new TextEncoder().encode(value) });
const transposed = { op: "ConvTranspose" };

/**
 * Geometries that determine which input is multiplied by which weight. A wrong index shows as an original that differs
 * from float64.
 */
export const GEOMETRIES = [
  conv(
    "strides and dilations",
    [4, 3, 3, 2],
    4,
    [2, 3, 9, 8],
    [intsAttribute("strides", [2, 3]), intsAttribute("dilations", [2, 1])],
  ),
  conv("pads of four sizes", [4, 3, 3, 3], 4, [1, 3, 6, 5], [intsAttribute("pads", [0, 1, 2, 3])]),
  conv("SAME_UPPER", [4, 3, 2, 4], 4, [1, 3, 7, 6], [text("auto_pad", "SAME_UPPER"), intsAttribute("strides", [2, 1])]),
  conv("SAME_LOWER", [4, 3, 2, 4], 4, [1, 3, 7, 6], [text("auto_pad", "SAME_LOWER"), intsAttribute("strides", [2, 1])]),
  conv("VALID", [4, 3, 2, 4], 4, [1, 3, 7, 6], [text("auto_pad", "VALID")]),
  conv(
    "pads and output_padding",
    [3, 4, 3, 3],
    4,
    [2, 3, 4, 5],
    [intsAttribute("strides", [2, 3]), intsAttribute("pads", [1, 0, 1, 2]), intsAttribute("output_padding", [1, 2])],
    transposed,
  ),
  conv(
    "dilated and grouped",
    [6, 2, 3, 2],
    4,
    [2, 6, 4, 5],
    [intAttribute("group", 2), intsAttribute("dilations", [2, 2])],
    transposed,
  ),
  conv(
    "output_shape",
    [3, 4, 3, 3],
    4,
    [1, 3, 4, 5],
    [intsAttribute("strides", [2, 2]), intsAttribute("output_shape", [8, 10])],
    transposed,
  ),
  conv(
    "SAME_UPPER of a transposed one",
    [3, 4, 4, 3],
    4,
    [1, 3, 4, 5],
    [intsAttribute("strides", [2, 2]), text("auto_pad", "SAME_UPPER")],
    transposed,
  ),
];
