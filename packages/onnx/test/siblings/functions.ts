import {
  floatAttribute as float,
  floatsAttribute as floatsA,
  intAttribute as int,
  nodeOf as node,
} from "../../src/graph/encode.ts";
import { call, constant, LOCAL, local, net, norm, parameter, ramp, referred } from "./net.ts";
import { body, P } from "./parts.ts";

/** Model-local functions. Every normalization in these models is compared. */
export const FUNCTIONS: Readonly<Record<string, Uint8Array>> = {
  "attributes by reference through two functions": net({
    imports: LOCAL,
    nodes: [call("outer", ["X"], ["Y"], [float("e", 0.25)])],
    functions: [
      local("outer", ["x"], ["y"], [call("inner", ["x"], ["y"], [referred("eps", "e")])], {
        attribute: ["e"],
        opsetImport: LOCAL,
      }),
      local(
        "inner",
        ["x"],
        ["y"],
        [
          constant("scale", parameter(0)),
          constant("B", parameter(1)),
          constant("mean", parameter(2)),
          constant("var", parameter(3)),
          node("BatchNormalization", "b", ["x", "scale", "B", "mean", "var"], ["y"], [referred("epsilon", "eps")]),
        ],
        { attribute: ["eps"] },
      ),
    ],
  }),
  "a function's default for an attribute, and a caller's value": net({
    imports: LOCAL,
    nodes: [call("g", ["X"], ["a"]), call("g", ["a"], ["Y"], [float("eps", 0.5)])],
    functions: [
      local(
        "g",
        ["x"],
        ["y"],
        [
          constant("scale", parameter(0)),
          constant("B", parameter(1)),
          constant("mean", parameter(2)),
          constant("var", parameter(3)),
          node("BatchNormalization", "b", ["x", "scale", "B", "mean", "var"], ["y"], [referred("epsilon", "eps")]),
        ],
        { attributeProto: [float("eps", 0.125)] },
      ),
    ],
  }),
  "parameters as inputs of a function": net({
    imports: LOCAL,
    nodes: [call("g", ["X", "scale", "B", "mean", "var"], ["Y"])],
    functions: [
      local("g", ["x", "s", "b", "m", "v"], ["y"], [node("BatchNormalization", "b", ["x", "s", "b", "m", "v"], ["y"])]),
    ],
  }),
  "a function in another operator set": net({
    imports: LOCAL,
    nodes: [call("g", ["X", "scale", "B", "mean", "var"], ["Y"])],
    functions: [
      local(
        "g",
        ["x", "s", "b", "m", "v"],
        ["y"],
        [node("BatchNormalization", "b", ["x", "s", "b", "m", "v"], ["y"])],
        { opsetImport: [{ domain: "", version: 14n }] },
      ),
    ],
  }),
  "the same behind a node of the model's": net({
    imports: LOCAL,
    nodes: [norm("X", "a"), call("g", ["a", "scale", "B", "mean", "var"], ["Y"])],
    functions: [
      local(
        "g",
        ["x", "s", "b", "m", "v"],
        ["y"],
        [node("BatchNormalization", "b", ["x", "s", "b", "m", "v"], ["y"])],
        { opsetImport: [{ domain: "", version: 14n }] },
      ),
    ],
  }),
  "training_mode, momentum and epsilon by reference": net({
    imports: LOCAL,
    nodes: [call("g", ["X"], ["Y"], [int("t", 1), float("m", 0.5), float("e", 0.25)])],
    functions: [
      local(
        "g",
        ["x"],
        ["y"],
        body([
          node(
            "BatchNormalization",
            "b",
            ["x", ...P],
            ["y", "rm", "rv"],
            [referred("training_mode", "t", 2), referred("momentum", "m"), referred("epsilon", "e")],
          ),
        ]),
        { attribute: ["t", "m", "e"] },
      ),
    ],
  }),
  "an attribute by reference that nobody gives": net({
    imports: LOCAL,
    nodes: [call("g", ["X"], ["Y"])],
    functions: [
      local(
        "g",
        ["x"],
        ["y"],
        body([node("BatchNormalization", "b", ["x", ...P], ["y"], [referred("epsilon", "e")])]),
        { attribute: ["e"] },
      ),
    ],
  }),
  "InstanceNormalization, epsilon by reference": net({
    imports: LOCAL,
    nodes: [call("g", ["X"], ["Y"], [float("e", 0.25)])],
    functions: [
      local(
        "g",
        ["x"],
        ["y"],
        [
          ...body([]).slice(0, 2),
          node("InstanceNormalization", "b", ["x", "scale", "B"], ["y"], [referred("epsilon", "e")]),
        ],
        { attribute: ["e"] },
      ),
    ],
  }),
  "LayerNormalization, axis by reference": net({
    imports: [
      { domain: "", version: 17n },
      { domain: "local", version: 1n },
    ],
    nodes: [call("g", ["X", "s1"], ["Y"], [float("e", 0.25), int("ax", 2)])],
    weights: [ramp("s1", [4, 4])],
    functions: [
      local(
        "g",
        ["x", "s"],
        ["y"],
        [node("LayerNormalization", "b", ["x", "s"], ["y"], [referred("epsilon", "e"), referred("axis", "ax", 2)])],
        { attribute: ["e", "ax"], opsetImport: [{ domain: "", version: 17n }] },
      ),
    ],
  }),
  "GroupNormalization, num_groups by reference": net({
    imports: [
      { domain: "", version: 21n },
      { domain: "local", version: 1n },
    ],
    nodes: [call("g", ["X", "scale", "B"], ["Y"], [int("ng", 3)])],
    functions: [
      local(
        "g",
        ["x", "s", "b"],
        ["y"],
        [node("GroupNormalization", "b", ["x", "s", "b"], ["y"], [referred("num_groups", "ng", 2)])],
        { attribute: ["ng"], opsetImport: [{ domain: "", version: 21n }] },
      ),
    ],
  }),
  "a Constant's value by reference": net({
    imports: LOCAL,
    nodes: [call("g", ["X"], ["Y"], [floatsA("vv", [1, 2, 3])])],
    functions: [
      local(
        "g",
        ["x"],
        ["y"],
        [
          ...body([]).slice(0, 3),
          node("Constant", "", [], ["var"], [referred("value_floats", "vv", 6)]),
          node("BatchNormalization", "b", ["x", ...P], ["y"]),
        ],
        { attribute: ["vv"] },
      ),
    ],
  }),
  "two functions of one name, by overload": net({
    ir: 10,
    imports: LOCAL,
    nodes: [
      Object.assign(call("g", ["X"], ["a"]), { overload: "one" }),
      Object.assign(call("g", ["a"], ["Y"]), { overload: "two" }),
    ],
    functions: [
      local("g", ["x"], ["y"], body([node("BatchNormalization", "b", ["x", ...P], ["y"], [float("epsilon", 0.5)])]), {
        overload: "one",
      }),
      local("g", ["x"], ["y"], body([node("BatchNormalization", "b", ["x", ...P], ["y"], [float("epsilon", 0.25)])]), {
        overload: "two",
      }),
    ],
  }),
  "an optional input of a function, left out": net({
    imports: LOCAL,
    nodes: [call("g", ["X", ""], ["Y"])],
    functions: [
      local(
        "g",
        ["x", "o"],
        ["y"],
        body([node("Clip", "", ["x", "o"], ["c"]), node("BatchNormalization", "b", ["c", ...P], ["y"])]),
      ),
    ],
  }),
  "a local function named BatchNormalization": net({
    imports: LOCAL,
    nodes: [Object.assign(node("BatchNormalization", "c", ["X", ...P], ["Y"]), { domain: "local" })],
    functions: [
      local(
        "BatchNormalization",
        ["x", "s", "b", "m", "v"],
        ["y"],
        [node("BatchNormalization", "b", ["x", "s", "b", "m", "v"], ["y"], [float("epsilon", 0.5)])],
      ),
    ],
  }),
  "a function in a newer operator set": net({
    imports: LOCAL,
    nodes: [call("g", ["X", "s1"], ["a"]), norm("a", "Y")],
    weights: [ramp("s1", [4])],
    functions: [
      local("g", ["x", "s"], ["y"], [node("LayerNormalization", "b", ["x", "s"], ["y"])], {
        opsetImport: [{ domain: "", version: 17n }],
      }),
    ],
  }),
  "a function in operator set 9 in a model of 15": net({
    imports: LOCAL,
    nodes: [call("g", ["X", ...P], ["a"]), norm("a", "Y")],
    functions: [
      local(
        "g",
        ["x", "s", "b", "m", "v"],
        ["y"],
        [node("BatchNormalization", "b", ["x", "s", "b", "m", "v"], ["y"])],
        { opsetImport: [{ domain: "", version: 9n }] },
      ),
    ],
  }),
  "a function named constructor": net({
    imports: LOCAL,
    nodes: [call("constructor", ["X"], ["Y"])],
    functions: [
      local(
        "constructor",
        ["__proto__"],
        ["toString"],
        body([node("BatchNormalization", "b", ["__proto__", ...P], ["toString"])]),
      ),
    ],
  }),
};
